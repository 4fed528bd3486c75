/**
 * What is said at debug level of each page, batch and save: sizes, positions, durations, and no values. Nothing is done
 * for it at other levels.
 */
import { createHmac, randomBytes } from "node:crypto";
import type {
  Page,
  Position,
  SegmentUnit,
  ShardUnit,
  StreamPage,
  Table,
  Unit,
  WriteResult,
} from "../types.ts";
import { headsOf } from "./changes.ts";
import type { Context } from "./context.ts";

/** Consola's. */
const DEBUG = 4;
/** Another one in every process: who has a log can't find out a key by trying. */
const SALT = randomBytes(16);

/** Whether anybody reads what is said at debug level; it may change while a run goes on. */
export function debugs({ log }: Pick<Context, "log">): boolean {
  return log.level >= DEBUG;
}

/** A key's types, and a mark that is the same for the same key in one process: a key is a value, and isn't shown. */
export function keyMark(key: Position): string {
  const types = Object.values(key).flatMap((value) => Object.keys(value ?? {}));
  const mark = createHmac("sha256", SALT).update(JSON.stringify(key)).digest("hex").slice(0, 8);
  return `key ${types.join("+")}#${mark}`;
}

/** A page of a segment, and what came of it. */
export function debugPage(
  ctx: Context,
  unit: SegmentUnit,
  { position, bytes }: Page,
  { read, documents, overflowed }: { read: number; documents: number; overflowed: number },
): void {
  if (!debugs(ctx)) return;
  const up = position === undefined ? "it is the last one" : `up to ${keyMark(position)}`;
  const counts = `${read} items, ${bytes} bytes, ${documents} to write, ${overflowed} not held exactly`;
  say(ctx, unit, `page: ${counts}, ${up}`, { read, bytes, documents });
}

/** A page of a shard. */
export function debugChanges(ctx: Context, unit: ShardUnit, page: StreamPage): void {
  if (!debugs(ctx)) return;
  const { bytes, tip, ended } = page;
  const changes = headsOf(page);
  const [first, last] = [changes[0], changes.at(-1)];
  const from = first === undefined ? "" : `, from ${first.sequenceNumber} to ${last?.sequenceNumber}`;
  const where = ended ? ", the shard has ended" : tip ? ", at the tip" : "";
  const message = `page: ${changes.length} records, ${bytes} bytes${from}${where}`;
  say(ctx, unit, message, { read: changes.length, bytes });
}

/** A batch that is written. */
export function debugWrite(ctx: Context, unit: Unit, result: WriteResult, bytes?: number): void {
  if (!debugs(ctx)) return;
  const { inserted, replaced, deleted, duplicates, ms } = result;
  const counts = `${inserted} inserted, ${replaced} replaced, ${deleted} deleted, ${duplicates} there already`;
  const size = bytes === undefined ? "" : `, ${bytes} bytes`;
  say(ctx, unit, `batch written: ${counts}${size}, in ${Math.round(ms)} ms`, { ms: Math.round(ms) });
}

/**
 * A save, when it is done.
 *
 * @param describe what is saved, part by part
 */
export async function debugSave(
  ctx: Context,
  table: Table,
  describe: () => string[],
  save: () => Promise<void>,
): Promise<void> {
  if (!debugs(ctx)) return save();
  const began = performance.now();
  await save();
  const ms = Math.round(performance.now() - began);
  ctx.log.debug({
    message: `checkpoint of table ${table.name} saved in ${ms} ms: ${describe().join("; ")}`,
    table: table.name,
    ms,
  });
}

function say(ctx: Context, unit: Unit, what: string, counts: Record<string, number>): void {
  const table = unit.table.name;
  const part = unit.phase === "incr" ? { shard: unit.shard } : { segment: unit.segment };
  const [[name, value]] = Object.entries(part) as [[string, unknown]];
  ctx.log.debug({ message: `table ${table}, ${name} ${String(value)}: ${what}`, table, ...part, ...counts });
}
