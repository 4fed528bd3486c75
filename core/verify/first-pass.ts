/** All of a table: both sides are read and merged, and the keys that weren't equal are listed. */
import { join } from "node:path";
import type { FairSemaphore } from "../flow/semaphore.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { TableProgress } from "../progress/progress.ts";
import { MigrationError } from "../errors.ts";
import type { Table } from "../types.ts";
import type { Faults } from "./faults.ts";
import type { Pending } from "./key-file.ts";
import { createLineFile, readLineFile } from "./line-file.ts";
import { merge, type Suspect } from "./merge.ts";
import { type Pass, TARGET_LOG } from "./pass-state.ts";
import { readSides } from "./read-sides.ts";
import type { RepairOptions } from "./repair.ts";
import type { Compared } from "./report.ts";

/** What the pass takes. */
export interface FirstPass {
  ctx: Context;
  table: Table;
  stored: Stored;
  counters: TableProgress;
  readers: FairSemaphore;
  pass: Pass;
  counts: Compared;
  faults: Faults;
  repair?: RepairOptions | undefined;
}

/** So many are read at a time. */
const STRANGERS = 10_000;
/** So many extra documents may be most of a small table. */
const FEW = 100;

/** A document without a key, or with one that no item can have. */
type Stranger = { id: unknown } | { key: string };

/**
 * Gives the file of the keys that are to be looked at.
 *
 * @throws MigrationError COUNT_MISMATCH when a repair would remove most of what is there
 */
export async function firstPass(options: FirstPass): Promise<string> {
  const { ctx, table, stored, pass, counts, repair } = options;
  const { source, documents } = await readSides(options);
  const keys = await createLineFile<Pending>(join(pass.folder, "suspects.jsonl"));
  const strangers = await createLineFile<Stranger>(join(pass.folder, "strangers.jsonl"));
  let extra = 0;
  try {
    const target = [pass.fileOf(TARGET_LOG)];
    for await (const suspect of merge({ source, target }, pass.folder, counts)) {
      ctx.signal.throwIfAborted();
      const key = suspect.seen === "stranger" ? undefined : stored.keyOf(table, suspect.key);
      if (key === undefined || suspect.seen === "extra") extra++;
      if (key !== undefined) await keys.add([{ key }]);
      else await strangers.add([idOf(suspect)]);
    }
    if (repair?.deletes) refuseMost(table, extra, documents);
  } finally {
    await keys.close();
    await strangers.close();
  }
  for await (const some of readLineFile<Stranger>(strangers.path, STRANGERS)) {
    await tellStrangers(options, some);
  }
  if (keys.count > 0)
    ctx.log.info(`table ${table.name}: ${keys.count} of ${counts.compared} to be looked at again`);
  return keys.path;
}

/** More than a mistake of a migration would leave: it may be another source, or another target. */
function refuseMost({ name }: Table, extra: number, documents: number): void {
  if (extra <= FEW || extra <= documents / 2) return;
  throw new MigrationError(
    "COUNT_MISMATCH",
    `${extra} of ${documents} documents have no item, a repair would remove them: table ${name}`,
    { hint: "see that source and target belong together; --repair=no-delete removes nothing" },
  );
}

/** The identifier of a document without a key; one whose key no item can have is known by the key's bytes. */
function idOf({ key, seen }: Suspect): Stranger {
  return seen === "stranger" ? { id: JSON.parse(key.toString()) as unknown } : { key: key.toString("hex") };
}

/** Documents that no item can have; nobody who follows the table has made them, so that one look is enough. */
async function tellStrangers(options: FirstPass, strangers: Stranger[]): Promise<void> {
  const { stored, faults, repair } = options;
  const removes = repair?.deletes === true && stored.remove !== undefined;
  const removed = removes && (await removeStrangers(options, strangers));
  for (const each of strangers) {
    await faults.addStranger("id" in each ? each.id : { $key: each.key }, removed);
  }
}

/** Gives whether all of them were removed. */
async function removeStrangers({ ctx, table, stored }: FirstPass, strangers: Stranger[]): Promise<boolean> {
  const ids = strangers.flatMap((each) => ("id" in each ? [each.id] : []));
  const keys = new Set(strangers.flatMap((each) => ("key" in each ? [each.key] : [])));
  // Nobody can ask for these keys: all documents go by once more.
  if (keys.size > 0) {
    for await (const { bytes, ends } of stored.read(table, undefined, ctx.signal)) {
      stored.digest(table, bytes, ends, (key, _, index) => {
        if (key === undefined || !keys.has(Buffer.from(key).toString("hex"))) return;
        ids.push(stored.idOf?.(bytes.subarray(ends[index - 1] ?? 0, ends[index])));
      });
    }
  }
  return (await stored.remove!(table, { ids }, ctx.signal)) >= ids.length;
}
