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

/** By table what was seen. */
export type FirstLooks = Map<string, FirstLook>;

/**
 * Makes sure that every table has a stream, and that those of tables that are to be begun can be read, before anything is
 * changed for them.
 *
 * @param begins the tables that are to be begun; where there are none, nothing is asked
 * @throws MigrationError STREAM_UNFIT, or what listing shards ends with
 */
export async function checkStreams(ctx: Context, tables: Table[], begins: Table[]): Promise<FirstLooks> {
  const looks: FirstLooks = new Map();
  if (begins.length === 0) return looks;
  const isToBegin = new Set(begins);
  let toldAt = performance.now();
  await inParallel(tables, OPENS, async (table) => {
    const stream = await openStreamNoted(ctx, table);
    if (!isToBegin.has(table)) return;
    looks.set(table.name, await lookAt(ctx, table, stream));
    if (performance.now() - toldAt < TELL || looks.size === begins.length) return;
    toldAt = performance.now();
    ctx.log.info(`looking at the streams: ${looks.size} of ${begins.length} can be read`);
  });
  return looks;
}

/** Forgets what an older run has noted of the stream of a table that is new in this one. */
export async function forgetOlder(ctx: Context, table: Table, looks: FirstLooks): Promise<void> {
  await forgetStream(ctx, table);
  const look = looks.get(table.name);
  if (look !== undefined) look.isForgotten = true;
}
