/** The streams before anything is begun: each table has one, and those of tables that are to be begun can be read. */
import { openStreamNoted } from "../checkpoint/enabled-streams.ts";
import { forgetStream } from "../checkpoint/stream-parts.ts";
import { inParallel } from "../flow/parallel.ts";
import { lookAt } from "../incr/start-positions.ts";
import type { FirstLook } from "../incr/table-stream.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";

/** Streams opened at once: enabling one takes a while. */
export const OPENS = 32;
/** Between two lines about it, in ms: of a thousand streams ten a second may be looked at. */
const TELL = 10_000;

/**
 * Streams that are looked at before anything is begun. Of more each is looked at when its own table's turn comes: what can be
 * wrong with one alone is rare, and the others needn't wait for it.
 */
const FIRST = 100;

/** By table what was seen. */
export type FirstLooks = Map<string, FirstLook>;

/** What is known of the streams before anything is begun. */
export interface StreamLooks {
  seen: FirstLooks;
  /** By table the stream at which nobody has looked yet. */
  unseen: Map<string, string>;
}

/**
 * Makes sure that every table has a stream, and that those of tables that are to be begun can be read, before anything is
 * changed for them. Of very many only the first are looked at now.
 *
 * @param begins the tables that are to be begun, the largest of which are the first; where there are none, nothing is asked
 * @throws MigrationError STREAM_UNFIT, or what listing shards ends with
 */
export async function checkStreams(ctx: Context, tables: Table[], begins: Table[]): Promise<StreamLooks> {
  const seen: FirstLooks = new Map();
  const unseen = new Map<string, string>();
  if (begins.length === 0) return { seen, unseen };
  const bySize = begins.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  // Where nothing is copied, nobody would have to wait for the others.
  const most = ctx.config.sync_mode === "all" ? FIRST : begins.length;
  const first = new Set(bySize.slice(0, most));
  const later = new Set(bySize.slice(most));
  let toldAt = performance.now();
  await inParallel(tables, OPENS, async (table) => {
    const stream = await openStreamNoted(ctx, table);
    if (later.has(table)) unseen.set(table.name, stream);
    if (!first.has(table)) return;
    seen.set(table.name, await lookAt(ctx, table, stream));
    if (performance.now() - toldAt < TELL || seen.size === first.size) return;
    toldAt = performance.now();
    ctx.log.info(`looking at the streams: ${seen.size} of ${first.size} can be read`);
  });
  return { seen, unseen };
}

/** Forgets what an older run has noted of the stream of a table that is new in this one. */
export async function forgetOlder(ctx: Context, table: Table, looks: FirstLooks): Promise<void> {
  await forgetStream(ctx, table);
  const look = looks.get(table.name);
  if (look !== undefined) look.isForgotten = true;
}
