/** One table compared: both sides are read and merged, and what wasn't equal is looked at again until it is decided. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Fingerprint } from "../checkpoint/fingerprint.ts";
import type { FairSemaphore } from "../flow/semaphore.ts";
import { PRIVATE_FOLDER } from "../host/durable-files.ts";
import { fileNameOf } from "../host/file-name.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { TableProgress } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { type ChangedKeys, pause, watchKeys } from "./changed-keys.ts";
import { compareIndexes, repairIndexes } from "./compare-indexes.ts";
import { countTable } from "./count-table.ts";
import type { Extent } from "./extent.ts";
import type { AskToNote, Follower } from "./follower.ts";
import { createExpiry } from "./expiry.ts";
import { createFaults, type Faults } from "./faults.ts";
import { firstPass } from "./first-pass.ts";
import { keyFile } from "./key-file.ts";
import { openPass } from "./pass-state.ts";
import type { RepairOptions } from "./repair.ts";
import { type Compared, noneCompared, type Report } from "./report.ts";
import { lookAgain, type Rounds } from "./rounds.ts";

/** What comparing takes, whatever the table. */
export interface CompareOptions {
  ctx: Context;
  stored: Stored;
  report: Report;
  /** Requests to the source at once, shared by all tables. */
  readers: FairSemaphore;
  /** Where logs and keys are while tables are compared. */
  folder: string;
  /** At least so long between two looks at a key, in ms. */
  settle: number;
  /** Who follows the tables meanwhile. */
  follower: Follower;
  /** Makes who follows note how far he is. */
  note?: AskToNote | undefined;
  /** The settings that decide what is compared: a pass that was broken off under others begins anew. */
  circumstances: Fingerprint;
  /** What the state of what is broken off begins with. */
  keptAs: string;
  /** Begins anew, whatever is there. */
  fresh: boolean;
  /** What is compared. */
  extent: Extent;
  /** No other table is compared. */
  isOnly: boolean;
  /** What is done about differences; undefined: nothing. */
  repair?: RepairOptions | undefined;
  /** Goes on with what is changed at the source, until the run is to stop. */
  goesOn?: boolean | undefined;
  /** Told of the counts whenever they have changed for good. */
  onCounted: (table: Table, counts: Compared) => void;
}

/**
 * Compares a table.
 *
 * @param counters is kept up to date while it is read
 */
export async function compareTable(
  options: CompareOptions,
  table: Table,
  counters: TableProgress,
): Promise<void> {
  const { ctx, stored, report, extent } = options;
  const counts = noneCompared();
  const expiry = await ctx.role("source").expiry?.(table, ctx.signal);
  const faults = createFaults(table, report, counts, createExpiry(ctx, table, expiry));
  counters.startedAt = Date.now();
  counters.state = "copying";
  const made = await ctx.role("target").find(table, ctx.signal);
  if (made === undefined) {
    await faults.addOther({ kind: "missing_table", target: table.targetName });
  } else if (extent.kind === "count") {
    await compareIndexes(ctx, table, stored, faults);
    await countTable(options, table, counters, counts);
  } else await compareItems(options, table, counters, { counts, faults, extent, made });
  options.onCounted(table, counts);
}

/** What has come of a table so far. */
interface SoFar {
  counts: Compared;
  faults: Faults;
  extent: KeyExtent | Extract<Extent, { kind: "all" }>;
  /** What is there at the target. */
  made: string;
}

type KeyExtent = Extract<Extent, { kind: "keys" }>;

async function compareItems(
  options: CompareOptions,
  table: Table,
  counters: TableProgress,
  { counts, faults, extent, made }: SoFar,
): Promise<void> {
  const { ctx, stored, repair, folder: root, fresh, circumstances, goesOn, keptAs } = options;
  const of = JSON.stringify([circumstances, table.id, table.targetName, made]);
  // What is changed while the table is read may be read before it.
  const changed = goesOn ? await watchKeys(ctx, table) : undefined;
  const folder = await emptyFolder(join(root, `${fileNameOf(table.name)}.looks`));
  const pass =
    extent.kind === "all" ? await openPass(ctx, table, { folder: root, of, fresh, keptAs }) : undefined;
  const suspects =
    pass === undefined
      ? await keyFile(folder, (extent as KeyExtent).keys({ ...options, table }))
      : await firstPass({ ...options, table, counters, pass, counts, faults });
  const rounds: Rounds = { ...options, table, folder, itemBytes: itemBytes(table, counters) };
  const outcome = await lookAgain(rounds, suspects, faults);
  // Two documents of one key would keep a unique index from being built.
  if (repair === undefined) await compareIndexes(ctx, table, stored, faults);
  else await repairIndexes(ctx, table, stored, faults);
  if (pass === undefined) counts.compared = outcome.looked;
  else counts.settled = outcome.settled;
  counts.undecided = outcome.undecided;
  counts.equal = equalOf(counts, faults);
  options.onCounted(table, counts);
  await pass?.remove();
  if (changed !== undefined)
    await goOn(rounds, changed, counts, faults, () => options.onCounted(table, counts));
  await rm(folder, { recursive: true, force: true });
}

async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  return path;
}

/** Compares what is changed, until the run is to stop. */
async function goOn(
  rounds: Rounds,
  changed: ChangedKeys,
  counts: Compared,
  faults: Faults,
  onCounted: () => void,
): Promise<void> {
  const { signal } = rounds.ctx;
  while (!signal.aborted) {
    const keys = await changed.take(signal);
    if (keys.length > 0) {
      const { looked, undecided } = await lookAgain(rounds, await keyFile(rounds.folder, [keys]), faults);
      counts.compared += looked;
      counts.undecided += undecided;
      counts.equal = equalOf(counts, faults);
      onCounted();
    }
    await pause(signal);
  }
}

/** An item's bytes in the mean, as they were read, or as the source has counted them. */
function itemBytes({ itemCount, sizeBytes }: Table, { read, bytes }: TableProgress): number {
  return read > 0 ? bytes / read : sizeBytes / Math.max(1, itemCount);
}

/** What is extra was never one of the source's. */
function equalOf({ compared, different, missing, undecided }: Compared, { expiredMissing }: Faults): number {
  return Math.max(0, compared - different - missing - undecided - expiredMissing);
}
