/** Whether a start goes on with an earlier run, and what it then has to agree in with it. */
import { isFollowed, isOriginals } from "./nimoshake-status.ts";
import type { Context } from "../plugin/context.ts";
import { isReached } from "./copy-start.ts";
import { MigrationError } from "../errors.ts";
import { changedSettings, type Fingerprint } from "./fingerprint.ts";
import { describeKey } from "../schema/keys.ts";
import { inParallel } from "../flow/parallel.ts";
import type { RunState, TableState } from "./run-state.ts";
import { openStreamCheckpoint } from "./stream-checkpoint.ts";
import { isStreamNoted } from "./stream-parts.ts";
import { wasAnother } from "../schema/table-identity.ts";
import type { Table } from "../types.ts";

/** Places looked at at once. */
const LOOKS = 8;

/** What is saved of a table, and its state in it. */
export interface Saved {
  parts: Map<string, unknown>;
  state: TableState | undefined;
}

/**
 * Whether a run is gone on with: one that isn't finished is. A finished copy is followed with `incr`, and with `all`
 * where its changes are all to be had; else that is a fresh start.
 */
export async function goesOn(
  ctx: Context,
  tables: Table[],
  found: RunState,
  saved: ReadonlyMap<string, Saved>,
  settings: Fingerprint,
): Promise<boolean> {
  const mode = ctx.config.sync_mode;
  if (found.finishedAt === undefined) return true;
  if (mode === "full") return false;
  const own = tables.filter(({ name }) => {
    const { state } = saved.get(name)!;
    return state !== undefined && state.run === found.id;
  });
  if (own.length === 0) return false;
  const reached = own.filter((table) => {
    const { state } = saved.get(table.name)!;
    return state?.copy !== undefined && isReached(state.copy, table.stream);
  });
  const places = await inParallel(reached, LOOKS, (table) => ctx.role("target").find(table, ctx.signal));
  const isThere = reached.every(({ name }, i) => saved.get(name)!.state!.made === places[i]);
  const changed = changedSettings(found.settings, settings).length > 0;
  if (reached.length === own.length && isThere && !changed) return true;
  if (mode === "all") return false;
  // NimoShake may have come after the copy.
  const followed = isFollowed(ctx);
  for (const table of tables) if (await isOriginals(ctx, table, followed)) return false;
  return true;
}

/**
 * The state of a table that an older version has followed: it noted the positions first, and the table after its indexes
 * were built. Positions from before the run began are an earlier one's, whose copy may be half or old: they are gone on
 * with where nothing is copied, and only there.
 */
export async function followedBefore(
  ctx: Context,
  table: Table,
  run: RunState | undefined,
): Promise<TableState | undefined> {
  if (run === undefined || run.id !== undefined || run.finishedAt !== undefined) return undefined;
  // Where none of ours is noted the rows are somebody else's, and nobody's business here.
  if (!(await isStreamNoted(ctx, table))) return undefined;
  const { shards } = await openStreamCheckpoint(ctx, table);
  if (shards.size === 0) return undefined;
  const since = Date.parse(run.startedAt);
  const isEarlier = [...shards.values()].some(({ notedAt = since }) => notedAt < since);
  if (isEarlier && ctx.config.sync_mode !== "incr") return undefined;
  return { stage: "done", targetName: table.targetName, units: 0 };
}

/**
 * Refuses what is saved of a table when its run is lost, or came after the one that is found.
 *
 * @param mayBeNoted false: nothing is kept of its stream, which isn't asked for then
 */
export async function refuseStray(
  ctx: Context,
  table: Table,
  run: RunState | undefined,
  state: TableState | undefined,
  mayBeNoted = true,
): Promise<void> {
  const isStray =
    run === undefined
      ? state !== undefined || (mayBeNoted && (await isStreamNoted(ctx, table)))
      : (state?.run ?? "") > (run.id ?? "");
  if (!isStray) return;
  const what = run === undefined ? "not its run" : "a run that is older than that";
  const where = `${ctx.role("checkpoint").place}, table ${table.name}`;
  throw new MigrationError("CHECKPOINT_MISMATCH", `the checkpoint has the table, but ${what}: ${where}`, {
    hint: `put back the checkpoint as it was, or ${startOver(ctx)}`,
  });
}

/** How to begin anew, for a hint: what was copied is there already. */
export function startOver({ config }: Context): string {
  return config["target.db.exist"] === ""
    ? "start over with --fresh, and target.db.exist = drop or rename for what is at the target"
    : "start over with --fresh";
}

/** Refuses settings that the run wasn't begun under. */
export function refuseChanged(then: Fingerprint, now: Fingerprint, place: string): void {
  const changes = changedSettings(then, now);
  if (changes.length === 0) return;
  const shown = changes.map(([key, was, is]) => `\n  ${key}: was ${was || "empty"}, is ${is || "empty"}`);
  throw new MigrationError(
    "CHECKPOINT_MISMATCH",
    `the run to go on with was begun under other settings: ${place}${shown.join("")}`,
    { hint: `set ${changes.map(([key]) => key).join(", ")} back to go on, or start over with --fresh` },
  );
}

/**
 * Refuses a table that isn't the one, at either side, that the run was begun with. One that was made anew with the same
 * key is copied again where `on_gap = resync` says so: all its changes are lost.
 */
export function refuseOther(ctx: Context, table: Table, state: TableState | undefined, where: string): void {
  if (state === undefined) return;
  const { on_gap, sync_mode } = ctx.config;
  const refuse = (other: string, hint: string): never => {
    throw new MigrationError("CHECKPOINT_MISMATCH", `table ${table.name} ${other}: ${where}`, { hint });
  };
  if (state.targetName !== table.targetName) {
    refuse(
      `went to ${state.targetName} when the run began, and would go to ${table.targetName} now`,
      startOver(ctx),
    );
  }
  if (!wasAnother(state, table)) return;
  const { key: was } = state;
  const is = describeKey(table);
  const isMendable = sync_mode !== "full" && was === is;
  if (isMendable && on_gap === "resync") return;
  const other = was === undefined || was === is ? "" : ` with another key, it was ${was} and is ${is}`;
  refuse(
    `was deleted and made anew at the source since the run began${other}`,
    isMendable ? `set on_gap = resync to copy it again, or ${startOver(ctx)}` : startOver(ctx),
  );
}
