/** Tables that appear at the source while the others are followed: each is copied, then followed. What refuses one ends no other. */
import { setTimeout as sleep } from "node:timers/promises";
import { toMigrationError } from "../errors.ts";
import { createSemaphore } from "../flow/semaphore.ts";
import { trackTable } from "../progress/progress.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";
import { forgetFollowing, isGone } from "./deleted-table.ts";
import { endsRun, type JoiningRun, joinRun } from "./join-run.ts";
import { scopedContext } from "./scoped-context.ts";
import { checkTables } from "./start.ts";
import { looksForTables } from "./tables-to-join.ts";

const SECOND = 1000;
/** What was refused is tried again after twice as long each time, and so long at most. */
const LONGEST = 600 * SECOND;

/** What has become of a look; denied: none ever succeeds. */
export type Look = "looked" | "failed" | "denied";

/** See the top of the file. */
export interface Newcomers {
  /**
   * Looks at once, as often as it is called. What is there then, and wanted, is among the run's tables when it resolves
   * with `looked`; else nobody has looked, for it failed, or the run is paused.
   */
  look(): Promise<Look>;
  /** A table is followed no more: one of its name is new. */
  left(table: Table): void;
  /** Resolves when the run stops and none is being copied any more. */
  stopped(): Promise<void>;
}

/** What is needed for it. */
export interface WatchNewcomers extends JoiningRun {
  /** What the source had at the start, before plugins took some out. */
  listed: readonly Table[];
  /** Some are there already, and wait for the first look. */
  isJoined?: boolean;
}

/** Looks for them every `increase.new_tables` seconds; undefined: nobody wants to know, or can tell. */
export function watchNewcomers(run: WatchNewcomers): Newcomers | undefined {
  const { ctx, tables } = run;
  const source = ctx.role("source");
  const every = ctx.config["increase.new_tables"] * SECOND;
  if (!looksForTables(ctx)) return undefined;

  /** By name what the source has, as far as it was seen: the run's tables, and those that plugins have taken out. */
  const isTakenOut = ({ name }: Table): boolean => !ctx.progress.tables.has(name);
  const known = new Map([...run.listed.filter(isTakenOut), ...tables].map((table) => [table.name, table]));
  /** When those are tried again that were refused, by `performance.now()`. */
  const later = new Map<string, { at: number; pause: number }>();
  const lanes = createSemaphore(() => ctx.config["full.concurrency"]);
  // For as long as the run lasts.
  ctx.onSet(lanes.resized);
  const joining = new Set<Promise<void>>();
  let isDenied = false;
  let failure: string | undefined;
  let looking: Promise<unknown> = Promise.resolve();
  /** What refuses one of them mustn't refuse another one. */
  const unchecked = new Set<Table>();
  const checks = createSemaphore(() => 1);

  async function lookOnce(): Promise<Look> {
    if (isDenied) return "denied";
    if (ctx.signal.aborted || ctx.gate.isClosed) return "failed";
    try {
      const found = await source.newTables!(new Set(known.keys()), ctx.signal);
      failure = undefined;
      forgetGone(found);
      const due = found.filter(({ name }) => (later.get(name)?.at ?? 0) <= performance.now());
      for (const table of await wanted(due)) begin(table);
      return "looked";
    } catch (error) {
      if (!ctx.signal.aborted) tellFailure(error);
      return isDenied ? "denied" : "failed";
    }
  }

  /** What was left out and is gone is nobody's business any more; one that is known now is being tried again. */
  function forgetGone(found: Table[]): void {
    const names = new Set([...known.keys(), ...found.map(({ name }) => name)]);
    for (const name of [...later.keys(), ...ctx.progress.leftOut.keys()]) {
      if (names.has(name)) continue;
      later.delete(name);
      ctx.progress.leftOut.delete(name);
    }
  }

  /** As the hooks leave them, which see all tables, as at the start; what they do to those that are known isn't asked for. */
  async function wanted(due: Table[]): Promise<Table[]> {
    if (due.length === 0) return [];
    const event = { tables: [...structuredClone([...known.values()]), ...due] };
    await ctx.call("setup", event);
    const left = new Map(event.tables.map((table) => [table.name, table]));
    for (const table of due) known.set(table.name, table);
    return due.flatMap(({ name }) => left.get(name) ?? []);
  }

  function tellFailure(error: unknown): void {
    const { code, message } = toMigrationError(error);
    isDenied = code === "SOURCE_DENIED";
    const more = isDenied ? "; it isn't tried again, a start finds them" : "";
    if (message !== failure) ctx.log.warn(`new tables can't be looked for: ${message}${more}`);
    failure = message;
  }

  function begin(table: Table): void {
    const { name } = table;
    if (ctx.config.sync_mode === "incr") return leaveUncopied(table);
    known.set(name, table);
    ctx.progress.leftOut.delete(name);
    if (!later.has(name)) ctx.log.info(`a table joins those that are followed, it is copied first: ${name}`);
    trackTable(ctx.progress, table).isNew = true;
    tables.push(table);
    unchecked.add(table);
    const joined = lanes.run(() => join(table)).finally(() => joining.delete(joined));
    joining.add(joined);
  }

  /** What was written before its stream is followed would be missing, and nobody would notice. */
  function leaveUncopied({ name }: Table): void {
    known.delete(name);
    later.set(name, { at: Number.POSITIVE_INFINITY, pause: 0 });
    const message = "nothing is copied with sync_mode = incr, and it may have items already";
    ctx.progress.leftOut.set(name, { message, at: Date.now() });
    ctx.log.warn(
      `the source has a new table, which isn't migrated: ${name}; ${message}. Start again with sync_mode = all to copy it`,
    );
  }

  async function join(table: Table): Promise<void> {
    let isFollowed = false;
    const scope = scopedContext(ctx, (reason) => !isFollowed && !endsRun(reason));
    try {
      await joinRun(run, scope, table, () => check(scope, table));
      // Who keeps its positions may have failed while nobody asked.
      scope.signal.throwIfAborted();
      // From now on it is one of those that are followed: its failures are the run's.
      isFollowed = true;
      run.follower.start(table);
      later.delete(table.name);
    } catch (error) {
      // Whatever else reads or writes it ends, too; what came first counts.
      scope.stop(error);
      await leave(table, scope.signal.reason);
      if (!ctx.signal.aborted) leaveOut(table, scope.signal.reason);
    }
  }

  async function leave(table: Table, reason: unknown): Promise<void> {
    try {
      await run.follower.leave(table);
      // A deleted table's copy can't be gone on with.
      if (!ctx.signal.aborted && isGone(reason)) await forgetFollowing(ctx, table);
    } catch (failed) {
      ctx.stop(failed);
    }
  }

  /** Beside those that have passed: two that come together may be in each other's way. */
  function check(scope: Context, table: Table): Promise<void> {
    return checks.run(async () => {
      await checkTables(
        scope,
        tables.filter((each) => each === table || !unchecked.has(each)),
      );
      unchecked.delete(table);
    });
  }

  function leaveOut(table: Table, thrown: unknown): void {
    const { name } = table;
    const { code, message, hint } = toMigrationError(thrown);
    known.delete(name);
    unchecked.delete(table);
    ctx.progress.tables.delete(name);
    tables.splice(tables.indexOf(table), 1);
    // The others were deleted meanwhile.
    if (tables.length === 0) return ctx.stop(thrown);
    // It is gone, or the next look finds another one.
    if (code === "SOURCE_GONE") return ctx.log.warn(`${message}: it isn't migrated`);
    const before = later.get(name);
    const pause = Math.min(before === undefined ? every : before.pause * 2, Math.max(LONGEST, every));
    later.set(name, { at: performance.now() + pause, pause });
    ctx.progress.leftOut.set(name, { code, message, at: Date.now() });
    const isNews = before === undefined;
    const text = `the new table ${name} isn't migrated, [${code}] ${message}${hint === undefined ? "" : `; ${hint}`}`;
    if (isNews) ctx.log.warn(`${text}. It is tried again now and then, the others go on`);
    else ctx.log.debug(text);
  }

  async function watch(): Promise<void> {
    const { signal } = ctx;
    if (run.isJoined === true) await look();
    while (!signal.aborted) {
      await sleep(every, undefined, { signal }).catch(() => {});
      await look();
    }
  }

  function look(): Promise<Look> {
    const look = looking.then(lookOnce);
    looking = look;
    return look;
  }

  const watching = watch();
  return {
    look,
    left: ({ name }) => void known.delete(name),
    async stopped() {
      await watching;
      await looking;
      while (joining.size > 0) await Promise.all(joining);
    },
  };
}
