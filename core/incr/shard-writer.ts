/**
 * One shard's changes on their way to the target: converted as they come, collapsed and written in batches, one
 * batch at a time, while the next one gathers; what is acknowledged moves the position.
 */
import { headsOf } from "../plugin/changes.ts";
import type { Context } from "../plugin/context.ts";
import { createPageRoom } from "../flow/page-room.ts";
import { inStageTime } from "../progress/stage-times.ts";
import type { StreamProgress } from "../progress/stream-progress.ts";
import type { ShardUnit, StreamPage } from "../types.ts";
import type { Settled } from "./tip.ts";
import { type Bundle, createWays, joined } from "./ways.ts";

/** A batch gathers so many records at most before the shard is asked for more. */
const MOST_WAITING = 4000;
/** Or so many bytes as they were received. */
const MOST_BYTES = 16 * 1024 * 1024;

/** How far a shard's changes are applied. */
export interface Reached {
  /** Of the last record applied, or dropped by a hook. */
  sequenceNumber?: string | undefined;
  /** When that record was made, in ms since 1970. */
  time?: number | undefined;
  /** When a request was sent that reached the tip, all of which is applied, in ms since 1970. */
  caughtUpAt?: number | undefined;
  /** The same of requests by which the shard was surely at its tip. */
  settled?: Settled | undefined;
}

/** See the top of the file. */
export interface ShardWriter {
  /** Waits until the run has room for another page; asked before each request, in its turn, and each read of the spool. */
  room(): Promise<void>;
  /**
   * Takes a page; resolves when there is room for another. Throws the first failure of a write.
   *
   * @param settled if the shard is surely at its tip with it
   */
  add(page: StreamPage, settled?: Settled): Promise<void>;
  /** Writes what has gathered; resolves when all of it is acknowledged. Throws the first failure. */
  drain(): Promise<void>;
  /** Resolves when nothing is on its way any more, whatever became of it. */
  settled(): Promise<void>;
}

/** What {@link createShardWriter} takes. */
export interface ShardWriterOptions {
  ctx: Context;
  unit: ShardUnit;
  progress: StreamProgress;
  /** Told after each acknowledged batch, and after each page without records. */
  onReached: (reached: Reached) => void;
}

interface Gathering extends Reached {
  /** Its changes, all of them by one way; missing: none. */
  bundle?: Bundle;
  bytes: number;
  /** Its pages' memory: what is counted, and what they are made of. */
  held: { release?(): void }[];
}

/** Makes a shard's. */
export function createShardWriter({ ctx, unit, progress, onReached }: ShardWriterOptions): ShardWriter {
  const ways = createWays(ctx, unit);
  const memory = ctx.memory.unit("changes");
  const room = createPageRoom(memory, () => ways.weight);
  let gathering: Gathering = { bytes: 0, held: [] };
  let writing: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  async function write(batch: Gathering, bundle: Bundle): Promise<void> {
    const skipped = await ways.write(bundle);
    progress.filtered += skipped;
    progress.written += bundle.changes.length - skipped;
    progress.batches++;
    onReached(batch);
  }

  /** Starts the next batch unless one is on its way; a page that brought nothing has nothing to wait for. */
  function kick(): void {
    if (writing !== undefined || failure !== undefined) return;
    const batch = gathering;
    gathering = { bytes: 0, held: [] };
    if (batch.bundle === undefined) {
      free(batch);
      if (batch.sequenceNumber !== undefined || batch.caughtUpAt !== undefined) onReached(batch);
      return;
    }
    writing = finish(batch, batch.bundle);
  }

  async function finish(batch: Gathering, bundle: Bundle): Promise<void> {
    try {
      await inStageTime(progress, "writeMs", () => write(batch, bundle));
    } catch (error) {
      failure = { error };
      ctx.stop(error);
    }
    free(batch);
    writing = undefined;
    kick();
  }

  function free({ held }: Gathering): void {
    for (const each of held) each.release?.();
  }

  async function settle(enough: () => boolean): Promise<void> {
    for (let now = writing; now !== undefined && !enough(); now = writing) await now;
    if (failure !== undefined) throw failure.error;
  }

  return {
    room: () => room.reserve(ctx.signal),
    async add(page, settled) {
      const held = room.take(page.bytes);
      // A hook may edit the array in place.
      const changes = headsOf(page);
      const read = changes.length;
      const last = changes.at(-1);
      const lastNumber = last?.sequenceNumber;
      const lastTime = last?.time;
      const taken = read > 0 ? await inStageTime(progress, "convertMs", () => ways.take(page)) : undefined;
      held.resize(page.bytes * ways.weight);
      progress.overflowed += taken?.overflowed ?? 0;
      progress.read += read;
      progress.filtered += read - (taken?.bundle.changes.length ?? 0);
      // Of an answer without records the service sends the frame: that is no data.
      if (read > 0) progress.bytes += page.bytes;
      let bundle = joined(gathering.bundle, taken?.bundle);
      if (bundle === "apart") {
        // What goes another way is written before.
        kick();
        await settle(() => gathering.bundle === undefined);
        bundle = taken?.bundle;
      }
      if (bundle !== undefined) gathering.bundle = bundle;
      gathering.held.push(held, page);
      gathering.bytes += page.bytes;
      if (lastNumber !== undefined) gathering.sequenceNumber = lastNumber;
      if (lastTime !== undefined) gathering.time = lastTime;
      // A later page short of the tip doesn't take this back: the shard lags from then on.
      if (page.tip) gathering.caughtUpAt = page.sentAt;
      gathering.settled = settled;
      kick();
      await settle(
        () => (gathering.bundle?.changes.length ?? 0) < MOST_WAITING && gathering.bytes < MOST_BYTES,
      );
    },
    async drain() {
      kick();
      await settle(() => false);
    },
    async settled() {
      await settle(() => false).catch(() => {});
      memory.close();
    },
  };
}
