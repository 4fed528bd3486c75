/** Tables compared with their copies: several at a time, each by itself. */
import { rmdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fingerprint } from "../checkpoint/fingerprint.ts";
import { MigrationError } from "../errors.ts";
import { inParallel } from "../flow/parallel.ts";
import { createGate } from "../flow/gate.ts";
import { createFairSemaphore } from "../flow/semaphore.ts";
import type { Context } from "../plugin/context.ts";
import type { Stored } from "../plugin/stored.ts";
import type { Progress } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { type CompareOptions, compareTable } from "./compare-table.ts";
import type { Extent } from "./extent.ts";
import { type AskToNote, type Follower, isRunning } from "./follower.ts";
import type { RepairOptions } from "./repair.ts";
import { type Compared, type Fault, isDifferent, noneCompared, openReport } from "./report.ts";

/** Between two looks at a key that isn't equal, where nobody says otherwise, in ms. */
export const SETTLE = 5000;

/** How to compare. */
export interface VerifyOptions {
  /** At least so long between two looks at a key that isn't equal, in ms. */
  settle: number;
  /** What files begin with: `<name>-diff.jsonl`. */
  name: string;
  /** Where they are; default: the working folder. */
  workFolder?: string | undefined;
  /** What the states of what is broken off begin with, and the folder of the logs ends with. */
  keptAs: "verify" | "verify-run";
  /** Has all tables, and is kept up to date. */
  progress: Progress;
  /** Forgets what an unfinished comparison has left. */
  fresh: boolean;
  /** Who follows the tables meanwhile. */
  follower: Follower;
  /** Makes who follows note how far he is; undefined: it can't be asked for. */
  note?: AskToNote | undefined;
  extent: Extent;
  /** Goes on with what is changed at the source, until the run is to stop: that is no failure then. */
  goesOn?: boolean | undefined;
  /** What is done about differences; undefined: nothing. The caller has the migration's lease then. */
  repair?: RepairOptions | undefined;
}

/** What came of it. */
export interface Verdict {
  /** By the source's name. */
  tables: Map<string, Compared>;
  /** The first differences. */
  first: readonly Fault[];
  /** How many differences were reported, where they are. */
  faults: number;
  path: string;
  isDifferent: boolean;
}

/**
 * Compares tables with what is stored of them, and repairs it if that is asked for.
 *
 * @throws MigrationError when a side can't be read
 */
export async function verifyTables(ctx: Context, tables: Table[], options: VerifyOptions): Promise<Verdict> {
  const stored = checkComparable(ctx, tables, options.extent.kind === "count");
  const { config } = ctx;
  const { name, workFolder = "." } = options;
  const folder = resolve(workFolder, `${name}-${options.keptAs}`);
  await using report = openReport(name, workFolder, ctx.log);
  const counts = new Map<string, Compared>();
  // Who follows now is waited for when it starts anew.
  if (options.follower === "another") await isRunning(ctx);
  const readers = createFairSemaphore(() => config["verify.concurrency"]);
  using _resizing = ctx.onSet(readers.resized);
  const circumstances = fingerprint(config, ctx.sameOptions);
  // What a hook wants left out of a copy isn't in it: it is no news here. A pause is one of the run's, not of a comparison.
  const quiet: Context = { ...ctx, skip: async () => {}, gate: createGate() };
  const width = options.goesOn ? tables.length : config["full.concurrency"];
  await inParallel(tables, width, async (table) => {
    const counters = options.progress.tables.get(table.name)!;
    const compare: CompareOptions = {
      ...options,
      circumstances,
      ctx: quiet,
      stored,
      report,
      readers,
      folder,
      isOnly: tables.length === 1,
      onCounted: ({ name }, counted) => void counts.set(name, counted),
    };
    try {
      await compareTable(compare, table, counters);
      counters.state = "done";
    } catch (thrown) {
      // What has been read to its end counts.
      if (options.goesOn && ctx.signal.aborted && counts.has(table.name)) return;
      counters.state = "failed";
      const error = onDisk(thrown, folder);
      ctx.stop(error);
      throw error;
    } finally {
      counters.finishedAt = Date.now();
    }
  });
  // What else is there another comparison has left, to be gone on with.
  await rmdir(folder).catch(() => {});
  try {
    await report.finish();
  } catch (thrown) {
    throw onDisk(thrown, resolve(workFolder));
  }
  return {
    tables: new Map(tables.map(({ name }) => [name, counts.get(name) ?? noneCompared()])),
    first: report.first,
    faults: report.count,
    path: report.path,
    isDifferent: [...counts.values()].some(isDifferent),
  };
}

/**
 * Refuses what can't be compared.
 *
 * @param onlyCounts whether documents are only counted
 * @throws MigrationError CONFIG_INVALID, PLUGIN_INVALID
 */
export function checkComparable(ctx: Context, tables: Table[], onlyCounts: boolean): Stored {
  if (!onlyCounts) refuseOtherKeys(ctx, tables);
  return storedOf(ctx);
}

/** A document whose item can't be looked up would look extra, and be removed by a repair. */
function refuseOtherKeys({ keyChangers }: Context, tables: Table[]): void {
  const table = tables.find(({ hasOtherKeys }) => hasOtherKeys);
  if (keyChangers.size === 0 && table === undefined) return;
  const who = keyChangers.size > 0 ? `plugin ${[...keyChangers].join(", ")}` : `table ${table!.name}`;
  throw new MigrationError(
    "PLUGIN_INVALID",
    `documents with other key values than the source's can't be compared: ${who}`,
    {
      hint:
        keyChangers.size > 0
          ? "if key values stay as the source has them, let the plugin say keepsKeys: true; else use --count-only"
          : "leave the table out with --tables, or use --count-only",
    },
  );
}

/** What the system refuses, in words. */
function onDisk(thrown: unknown, folder: string): unknown {
  const { code, syscall, message } = thrown as NodeJS.ErrnoException;
  if (thrown instanceof MigrationError || code === undefined || syscall === undefined) return thrown;
  return new MigrationError("DISK_FAILED", `${message}: what is compared is kept in ${folder}`, {
    cause: thrown,
    hint: "make room there, or start in another folder",
  });
}

function storedOf(ctx: Context): Stored {
  const target = ctx.role("target");
  const { items } = ctx.role("source");
  if (target.stored !== undefined && items !== undefined) return target.stored;
  const what =
    target.stored === undefined
      ? `what is stored can't be read: ${target.place}`
      : "items can't be looked up at the source";
  throw new MigrationError("CONFIG_INVALID", what, {
    hint: "verify needs a source and a target that can be read, as those built in can",
  });
}
