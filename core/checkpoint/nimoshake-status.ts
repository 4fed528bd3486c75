/** Where the run stands as NimoShake notes it, and which tables it follows. */
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";
import { isStreamNoted } from "./stream-parts.ts";

/** Where all streams together stand, as NimoShake notes it. */
export type SyncStatus = "full_sync" | "incr_sync";

/** Notes where the run stands, for NimoShake. */
export async function saveStatus(ctx: Context, status: SyncStatus): Promise<void> {
  // One that follows already would start over if it were told that it copies.
  if (status === "full_sync" && (await isFollowed(ctx))) return;
  await ctx.role("checkpoint").save("status", new Map([["status", status]]));
}

/** Forgets where NimoShake stands, unless it follows and the start isn't a fresh one. */
export async function forgetStatus(ctx: Context, fresh: boolean): Promise<void> {
  const store = ctx.role("checkpoint");
  if (!fresh) {
    const kept = await store.load("status");
    if (kept.size === 0 || kept.get("status") === ("incr_sync" satisfies SyncStatus)) return;
  }
  await store.clear("status");
}

/** Whether the streams are followed, as far as NimoShake knows. */
export async function isFollowed(ctx: Context): Promise<boolean> {
  return (await ctx.role("checkpoint").load("status")).get("status") === ("incr_sync" satisfies SyncStatus);
}

/**
 * Whether NimoShake follows a table, from positions that aren't ours.
 *
 * @param followed whether it follows at all
 */
export async function isOriginals(ctx: Context, table: Table, followed: Promise<boolean>): Promise<boolean> {
  if (!(await followed) || (await isStreamNoted(ctx, table))) return false;
  return (await ctx.role("checkpoint").load(`shards:${table.name}`)).size > 0;
}
