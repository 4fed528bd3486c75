/** Repairing what differs: what the source has now is written over what is there, and what it hasn't is removed. */
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import { writeOut } from "../stages/write.ts";
import type { SegmentUnit, SourceRecord, Table, WriteResult } from "../types.ts";
import { keyAttributes } from "../schema/keys.ts";
import { differences } from "./difference.ts";
import { look, type Look } from "./look.ts";

/** What may be done. */
export interface RepairOptions {
  /** What is extra is removed. */
  deletes: boolean;
}

/**
 * Repairs keys. Both sides are read again right before, so that nothing older than the source is written; the caller
 * has the migration's lease.
 *
 * @returns what was done about each that still differs; none: it was left
 */
export async function repairKeys(
  ctx: Context,
  table: Table,
  stored: Stored,
  found: Look[],
  { deletes }: RepairOptions,
): Promise<Map<Look, string>> {
  const unit: SegmentUnit = { phase: "full", table, segment: 0, segments: 1 };
  const now = await look(
    ctx,
    table,
    stored,
    found.map(({ key }) => key),
  );
  const done = new Map<Look, string>();
  const removed: SourceRecord[] = [];
  const replaced: SourceRecord[] = [];
  const written: SourceRecord[] = [];
  for (const [i, each] of now.entries()) {
    const { wanted, record } = each;
    if (each.isEqual) {
      done.set(found[i]!, "equal by now");
      continue;
    }
    // Of what can't be converted nobody knows what should be there.
    if (each.isSkipped) continue;
    if (record === undefined) {
      if (!deletes) continue;
      removed.push(wanted);
      done.set(found[i]!, "removed");
      continue;
    }
    if (isInTheWay(ctx, table, each)) {
      if (!deletes) continue;
      replaced.push(wanted);
    }
    written.push(record);
    done.set(found[i]!, each.found.length > 0 ? "rewritten" : "inserted");
  }
  await remove(ctx, unit, stored, [...removed, ...replaced]);
  if (written.length > 0) await writeOut(ctx, unit, written, (some) => apply(ctx, unit, some));
  return done;
}

/** Of several documents, or of one whose key has another type, a write by key would leave something behind. */
function isInTheWay(ctx: Context, table: Table, { expected, found, record }: Look): boolean {
  if (found.length !== 1) return found.length > 1;
  const paths = keyAttributes(table).map(ctx.role("convert").fieldPath);
  const own = new Set(["_id", ...paths, ...paths.map((path) => path.split(".")[0]!)]);
  return differences(expected!, found[0]!, record?.item).some(({ path }) => own.has(String(path[0])));
}

/** Removes all documents of keys. */
async function remove(
  ctx: Context,
  unit: SegmentUnit,
  stored: Stored,
  records: SourceRecord[],
): Promise<void> {
  if (records.length === 0) return;
  if (stored.remove === undefined) await apply(ctx, unit, records);
  else await stored.remove(unit.table, { records }, ctx.signal);
}

function apply(ctx: Context, unit: SegmentUnit, records: SourceRecord[]): Promise<WriteResult> {
  return ctx.role("target").apply!({ unit, records }, ctx.abandon);
}
