/** A place with targets at it, as processes would have them one after the other. */
import assert from "node:assert/strict";
import type { OwnedContext } from "../../core/run/context.ts";
import { planIndexes } from "../../core/schema/indexes.ts";
import { fill } from "../../core/run/fill-roles.ts";
import type { Converter, Target } from "../../core/plugin/roles.ts";
import type {
  Item,
  SecondaryIndex,
  SegmentUnit,
  SourceRecord,
  Table,
  Unit,
  WriteResult,
} from "../../core/types.ts";
import { keyIn, makeTable } from "./items.ts";
import { openContext } from "./open.ts";
import { assertAll } from "./same.ts";
import type { TargetContract, TargetPlace } from "./target-options.ts";
import { builtinPlugin } from "../../plugins/index.ts";

/** Documents of a batch where the configuration leaves it to their bytes. */
const UNSET = 1000;

/** One change of a key: with an item it is a put, without one a delete. */
export interface Change {
  event: SourceRecord["event"];
  key?: Item;
  item?: Item;
}

/** A target in a context of its own. */
export interface Opened {
  ctx: OwnedContext;
  target: Target;
  convert: Converter;
  /** `full.document.write.batch` */
  most: number;
  /** What a run does before a table's data: check, find, create, find. Gives what it is found as. */
  begin(table: Table): Promise<string>;
  /** The same where it was begun by an earlier process. */
  resume(table: Table, units: { unit: SegmentUnit; written: number }[]): Promise<void>;
  /** Writes items in one batch, and sees that the counts add up. */
  write(table: Table, items: Item[], unit?: SegmentUnit): Promise<WriteResult>;
  /** Writes items in batches of the configured size, one after the other. */
  writeAll(table: Table, items: Item[], unit?: SegmentUnit): Promise<void>;
  /** Applies changes, and sees that the counts add up. */
  apply(table: Table, changes: Change[], shard?: string): Promise<WriteResult>;
  /** Builds the primary indexes; gives how many there are. */
  index(table: Table, user?: boolean): Promise<number>;
}

/** See the top of the file. */
export interface Scene {
  options: TargetContract;
  place: TargetPlace;
  /** A table of the place's. */
  table(name: string, keys?: [partition: string, sort?: string], secondary?: SecondaryIndex[]): Table;
  /** A target as a new process has it. Those opened before are still open: their processes were killed. */
  open(settings?: Record<string, string>): Promise<Opened>;
  /** Sees that exactly these items are stored, each once. */
  stored(table: Table, items: Item[], what?: string): Promise<void>;
}

/** Makes a place, lets work be done at it, and closes all targets that were opened there. */
export async function withScene(
  options: TargetContract,
  work: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await options.makePlace());
  await work({
    options,
    place,
    table: (name, keys, secondary) => makeTable(`${place.prefix ?? ""}${name}`, keys, secondary),
    async open(settings) {
      const plugins = [options.plugin, ...(options.convert === undefined ? [] : [options.convert])];
      const ctx = stack.use(await openContext(plugins, { ...place.settings, ...settings }));
      await fill(ctx, "convert", builtinPlugin);
      return opened(ctx);
    },
    async stored(table, items, what = "what is stored") {
      assertAll(
        await place.read(table),
        items.map((item) => options.expected(item, table)),
        what,
      );
    },
  });
}

/** A segment of a table; the default is all of it. */
export function segment(table: Table, number: number = 0, segments: number = 1): SegmentUnit {
  return { phase: "full", table, segment: number, segments };
}

function opened(ctx: OwnedContext): Opened {
  const { signal } = ctx;
  const target = ctx.role("target");
  const convert = ctx.role("convert");
  const most = ctx.config["full.document.write.batch"] ?? UNSET;

  /** As many as may have been written when nothing was said, and no more. */
  async function sent(unit: Unit, changes: Change[], call: "write" | "apply"): Promise<WriteResult> {
    const { table } = unit;
    const records = changes.map((change) => toRecord(change, table));
    convert.convert(records, table);
    const result = await target[call]!({ unit, records }, ctx.abandon);
    checkResult(result, records.length);
    return result;
  }
  const write = (table: Table, items: Item[], unit = segment(table)): Promise<WriteResult> =>
    sent(
      unit,
      items.map((item) => ({ event: "SCAN", item })),
      "write",
    );

  return {
    ctx,
    target,
    convert,
    most,
    async begin(table) {
      await target.check([table], signal);
      const before = await target.find(table, signal);
      assert.equal(before, undefined, `find gives ${before} for a table that was never created`);
      await target.create(table, signal);
      const made = await target.find(table, signal);
      assert.equal(typeof made, "string", `find gives ${made} for a table that was created`);
      return made!;
    },
    async resume(table, units) {
      await target.check([table], signal);
      await target.resume(table, { units, indexes: planIndexes(table, convert, false) }, signal);
    },
    write,
    async writeAll(table, items, unit) {
      for (let at = 0; at < items.length; at += most) await write(table, items.slice(at, at + most), unit);
    },
    apply: (table, changes, shard = "shard-1") => sent({ phase: "incr", table, shard }, changes, "apply"),
    index: (table, user = false) =>
      target.index(table, planIndexes(table, convert, user), { signal, onProgress: () => {} }),
  };
}

/** A change as a record that is to be converted. */
export function toRecord({ event, item, key }: Change, table: Table): SourceRecord {
  const keys = key ?? keyIn(item!, table);
  const base = { op: item === undefined ? "delete" : "put", event, keys } as const;
  return { ...base, ...(item !== undefined && { item }), key: undefined, document: undefined };
}

/** Sees that a result's counts add up to the records written. */
export function checkResult(result: WriteResult, records: number): void {
  const { inserted, replaced, deleted, duplicates, missed = 0, ms } = result;
  for (const [name, count] of Object.entries({ inserted, replaced, deleted, duplicates, missed })) {
    assert.ok(Number.isSafeInteger(count) && count >= 0, `${name} is ${count}`);
  }
  assert.ok(Number.isFinite(ms) && ms >= 0, `ms is ${ms}`);
  const sum = inserted + replaced + deleted + duplicates + missed;
  const counts = "inserted, replaced, deleted, duplicates and missed";
  assert.equal(sum, records, `${counts} add up to ${sum}, not ${records}`);
}
