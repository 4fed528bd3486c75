/**
 * Where a migration stands, as its checkpoint says: for the commands that look on. Nothing is asked of the source or the
 * target; nothing is changed, and the lease is nobody's business here.
 */
import { changedSettings, fingerprint } from "../checkpoint/fingerprint.ts";
import { isFollowed } from "../checkpoint/nimoshake-status.ts";
import { readStanding, type Standing } from "../checkpoint/standing.ts";
import type { Config } from "../config/config.ts";
import { toMigrationError } from "../errors.ts";
import { isRunning } from "../host/process.ts";
import type { Context } from "../plugin/context.ts";
import { LEASE_TTL } from "../plugin/lease-lost.ts";
import { chooseConversion } from "./adopt-nimoshake.ts";
import { createContext } from "./context.ts";
import { fill, usePlugins } from "./fill-roles.ts";
import type { MigrateOptions } from "./run.ts";

/** A checkpoint's server that is away is waited for so long, in ms. */
const PATIENCE = 5000;

/** Who has the lease. */
export interface LeaseStatus {
  host: string;
  pid: number;
  /** ISO 8601. */
  since: string;
  /** For how long it hasn't been renewed, in ms. */
  age: number;
  /** Its process runs, or is to be taken for one that does. */
  alive: boolean;
  /** Whether it runs is known, for it is one of this machine; else the lease's age tells. */
  known: boolean;
}

/** What a start would do, and why. */
export interface StartStatus {
  does: "begin" | "go on" | "take over" | "nothing new" | "be refused";
  text: string;
}

/** What the checkpoint says. */
export interface KeptStatus extends Standing {
  lease: LeaseStatus | undefined;
  start: StartStatus;
}

/** A checkpoint that is looked at. */
export interface StatusReader extends AsyncDisposable {
  /** @throws MigrationError when the checkpoint can't be read, or isn't understood */
  read(): Promise<KeptStatus>;
  /** Who has the lease; undefined: nobody, or nobody can tell. */
  lease(): Promise<LeaseStatus | undefined>;
}

/** Opens it; it may be read again and again. */
export async function openStatus(options: MigrateOptions): Promise<StatusReader> {
  const config = { ...options.config };
  const named = namedTables(config);
  const ctx = createContext({ patience: PATIENCE, ...options, config });
  try {
    await usePlugins(ctx, options);
    await fill(ctx, "checkpoint", options.builtins);
  } catch (error) {
    await ctx[Symbol.asyncDispose]();
    throw error;
  }
  return {
    async read() {
      const [standing, lease] = await Promise.all([readStanding(ctx, named), findLease(ctx)]);
      const start = await startOf(ctx, config, standing, options.given ?? new Set());
      return { ...standing, lease, start };
    },
    lease: () => findLease(ctx),
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose]() as Promise<void>,
  };
}

/** The tables that a configuration names, but for patterns. */
export function namedTables(config: Config): string[] {
  return config["filter.collection.white"].filter((name) => !name.includes("*"));
}

async function findLease(ctx: Context): Promise<LeaseStatus | undefined> {
  const found = await ctx.role("checkpoint").lease?.find?.();
  if (found === undefined) return undefined;
  const { holder, age } = found;
  const { host, pid, since } = holder;
  const runs = isRunning(holder);
  return { host, pid, since, age, alive: runs ?? age < LEASE_TTL, known: runs !== undefined };
}

/** As far as the checkpoint tells: at the source and the target there may be reasons to refuse it. */
async function startOf(
  ctx: Context,
  config: Config,
  { run, strays }: Standing,
  given: ReadonlySet<string>,
): Promise<StartStatus> {
  try {
    config["convert.type"] = await chooseConversion(ctx, given, false);
    if (run === undefined) return await firstStart(ctx, strays);
  } catch (error) {
    // The positions there are another migration's.
    return { does: "be refused", text: `a start is refused: ${toMigrationError(error).message}` };
  }
  if (run.finishedAt !== undefined && config.sync_mode === "full")
    return { does: "nothing new", text: "all is copied; a start would copy it again, over what is there" };
  const changes = changedSettings(run.settings, fingerprint(config, ctx.sameOptions));
  if (changes.length > 0) {
    const shown = changes.map(([key, was, is]) => `${key} was ${was || "empty"} and is ${is || "empty"}`);
    return { does: "be refused", text: `a start is refused, the settings have changed: ${shown.join(", ")}` };
  }
  if (run.finishedAt !== undefined)
    return {
      does: "go on",
      text: "a start follows the changes since the copy, if the streams reach back so far",
    };
  if (run.switchedOverAt !== undefined)
    return { does: "go on", text: "a start follows the source again, from where the switch-over ended" };
  return { does: "go on", text: "a start goes on where the last one stopped" };
}

async function firstStart(ctx: Context, strays: string[]): Promise<StartStatus> {
  if (strays.length > 0) {
    const text = `a start is refused: the checkpoint has tables, but not their run: ${strays.join(", ")}`;
    return { does: "be refused", text };
  }
  const follows = ctx.config.sync_mode !== "full";
  if (follows && (await isFollowed(ctx))) {
    const text =
      "what is there was left by NimoShake, and is no run of ours: a start takes it over and goes on from its positions";
    return { does: "take over", text };
  }
  const what = ctx.config.sync_mode === "incr" ? "follows the streams from now on" : "begins with copying";
  return { does: "begin", text: `nothing has run yet: a start ${what}` };
}
