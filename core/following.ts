/** The incremental side of a run: every table's stream, opened before the first Scan and followed after it. */
import type { RunCheckpoint } from "./checkpoint.ts";
import type { Context } from "./context.ts";
import { MigrationError } from "./errors.ts";
import { followTable } from "./incr.ts";
import { inParallel } from "./lanes.ts";
import type { OpenStream } from "./open-stream.ts";
import { createPolls } from "./polls.ts";
import { keepPositions, openStream } from "./positions.ts";
import { openTableSpool } from "./spool.ts";
import { isUnapplied, spoolStream } from "./spool-stream.ts";
import type { Table } from "./types.ts";

/** Streams opened at once: enabling one takes a while. */
const OPENS = 32;

/** See the top of the file. */
export interface Following {
  /** Follows a table from now on: its full phase is done. */
  start(table: Table): void;
  /** Resolves when the run stops and all that was read is applied and noted. */
  stopped(): Promise<void>;
}

/**
 * Opens the tables' streams, so that nothing written from now on is missed.
 *
 * @throws MigrationError STREAM_UNFIT, STREAM_GAP, or CONFIG_INVALID when the target can't take changes
 */
export async function openStreams(ctx: Context, tables: Table[], run: RunCheckpoint): Promise<Following> {
  const target = ctx.role("target");
  if (target.apply === undefined) {
    throw new MigrationError("CONFIG_INVALID", `changes can't be applied there: ${target.place}`, {
      hint: "set sync_mode = full, or another target.type",
    });
  }
  const polls = createPolls(ctx.config);
  ctx.log.info(`opening the streams of ${tables.length} ${tables.length === 1 ? "table" : "tables"}`);
  const streams = new Map<string, OpenStream>();
  await inParallel(tables, OPENS, async (table) => {
    const copied = isCopied(ctx, table, run);
    const stream = await openStream(ctx, table, polls, copied);
    streams.set(table.name, stream);
    await spoolIfAsked(stream, run);
  });
  const keepers = new Map([...streams].map(([name, stream]) => [name, keepPositions(stream)]));
  const running: Promise<void>[] = [];

  async function follow(name: string): Promise<void> {
    const stream = streams.get(name)!;
    await keepers.get(name)!();
    keepers.delete(name);
    if (ctx.signal.aborted) return;
    const counters = ctx.progress.tables.get(name)!;
    counters.state = "following";
    counters.stream = stream.progress;
    await followTable(stream);
  }

  return {
    start: ({ name }) => void running.push(follow(name).catch((error: unknown) => ctx.stop(error))),
    async stopped() {
      await new Promise((resolve) => {
        if (ctx.signal.aborted) resolve(undefined);
        else ctx.signal.addEventListener("abort", resolve, { once: true });
      });
      await Promise.all([...running, ...[...keepers.values()].map((stop) => stop())]);
      await Promise.all([...streams.values()].map(({ spool }) => spool?.stopped()));
    },
  };
}

/** Spools a stream while its table is copied, and goes on with what an earlier process has spooled. */
async function spoolIfAsked(stream: OpenStream, run: RunCheckpoint): Promise<void> {
  const { config } = stream.ctx;
  const { name } = stream.table;
  const folder = openTableSpool(config["increase.persist.dir"], config.id, name);
  const { state } = run.table(stream.table);
  if (!run.resumed) await folder.remove();
  const asked = config.incr_sync_parallel && state?.stage !== "done";
  if (asked || isUnapplied(stream.checkpoint) || (await folder.isLeft()))
    stream.spool = spoolStream(stream, folder);
}

/** Whether items of the table are copied already: positions can't be taken any more then. */
function isCopied({ config, progress }: Context, table: Table, run: RunCheckpoint): boolean {
  const stage = run.table(table).state?.stage;
  const begun = stage === "indexing" || stage === "done";
  return config.sync_mode === "all" && (begun || progress.tables.get(table.name)!.resumed > 0);
}
