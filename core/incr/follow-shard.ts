/** Following one shard, from its position to its end or to the end of the run. */
import { headsOf } from "../plugin/changes.ts";
import { debugChanges } from "../plugin/debug.ts";
import { createShardWriter, type Reached } from "./shard-writer.ts";
import { runStep } from "../stages/error-policy.ts";
import { MigrationError, streamGap } from "../errors.ts";
import { countLater } from "./later-changes.ts";
import type { Leave } from "../flow/gate.ts";
import { believed, isAhead } from "../host/clock.ts";
import type { ShardReader } from "../plugin/roles.ts";
import { refuseExpired, refusingExpired } from "./shard-age.ts";
import type { ShardNote } from "../checkpoint/shard-note.ts";
import { inStageTime } from "../progress/stage-times.ts";
import type { ShardProgress } from "../progress/stream-progress.ts";
import type { TableStream } from "./table-stream.ts";
import { type Settled, watchTip } from "./tip.ts";
import type { ShardUnit, StreamPage } from "../types.ts";

/** After how long the time of an idle shard is noted anew, in ms; the more seldom it is asked, the more seldom. */
const RENOTE = 10_000;
const RENOTE_WAITS = 60;
/** It is noted with the first request after so long at the latest, in ms: comparisons wait for it. */
export const RENOTE_LATEST = 30_000;
/** DynamoDB Local rounds a record's time down to the minute. */
export const TIME_GRAIN = 60_000;

/**
 * Follows a shard; resolves when it has ended and all of it is applied and noted so, or when the run stops
 * and what was read is applied and noted.
 *
 * @param reader one that stands at its position
 * @returns whether the shard has ended
 * @throws MigrationError STREAM_GAP
 */
export async function followShard(
  stream: TableStream,
  note: ShardNote,
  reader: ShardReader,
): Promise<boolean> {
  const { ctx, table, checkpoint, polls } = stream;
  const { signal } = ctx;
  const unit: ShardUnit = { phase: "incr", table, shard: note.id };
  const shard = track(stream, note);
  const tip = watchTip();
  /** What it has read isn't all applied and saved. */
  let leave: Leave | undefined;
  /** What is noted of it now: who finds shards, or forgets them, may have changed it. */
  const noted = (): ShardNote => ({ ...checkpoint.shards.get(note.id)!, status: "running" });

  function settle(settled: Settled | undefined): void {
    shard.settledAt = settled?.at;
    shard.settledFrom = settled?.from;
  }

  function reached({ sequenceNumber, time, caughtUpAt, settled }: Reached): void {
    if (caughtUpAt !== undefined) shard.caughtUpAt = caughtUpAt;
    if (tip.settled !== undefined) settle(settled);
    // All that was there then is applied: what isn't applied was written later, and so were its children's records.
    const notedAt = settled === undefined ? {} : { notedAt: believed(settled.at) };
    if (sequenceNumber !== undefined) {
      Object.assign(shard, { sequenceNumber, time });
      const position = { at: "sequence", number: sequenceNumber, inclusive: false } as const;
      checkpoint.note({ ...noted(), ...notedAt, position, ...(time !== undefined && { time }) });
    } else if (isOlder(noted().notedAt, settled?.at, shard.wait)) checkpoint.note({ ...noted(), ...notedAt });
  }

  const writer = createShardWriter({ ctx, unit, progress: stream.progress, onReached: reached });
  const beforeRequest = async (request: object): Promise<void> => {
    await ctx.call("fetch:before", { phase: "incr", table, unit, request });
    await writer.room();
  };

  /** All that was read is applied, and saved. */
  async function rest(): Promise<void> {
    await writer.drain();
    await checkpoint.flush();
    leave?.();
    leave = undefined;
  }

  async function poll(): Promise<StreamPage> {
    if (ctx.gate.isClosed) await rest();
    // Before a lane is taken: light reads, which keep the positions of other tables, need one in a pause, too.
    leave ??= await ctx.gate.enter(signal);
    try {
      const ask = (): Promise<StreamPage> => reader.poll({ signal, beforeRequest, room: writer.room });
      return await runStep(ctx, { stage: "fetch", table }, () =>
        inStageTime(stream.progress, "fetchMs", ask),
      );
    } catch (error) {
      throw dated(error, noted());
    }
  }

  try {
    let ended = false;
    for await (const page of polls.pages(poll, signal, (wait) => void (shard.wait = wait), ctx.gate)) {
      explainReplays(stream, page);
      countLater(ctx.progress, page, tip.settled);
      debugChanges(ctx, unit, page);
      tip.saw(page);
      if (tip.settled === undefined) settle(undefined);
      ended = page.ended;
      // An end that is seen now may have been there for hours.
      await writer.add(page, ended ? undefined : tip.settled);
    }
    await writer.drain();
    if (!ended) return false;
    checkpoint.note({ ...noted(), status: "done" });
    // A child must not be noted before its parent's end is.
    await checkpoint.flush();
    stream.progress.waiting.add(note.id);
    stream.progress.shards.delete(note.id);
    return true;
  } finally {
    // A write that is on its way when this fails must not land after those of a later copy, nor note its position then.
    await writer.settled();
    leave?.();
  }
}

/** A gap's error says when what was applied last was made. */
function dated(error: unknown, { time }: ShardNote): unknown {
  if (!(error instanceof MigrationError) || error.code !== "STREAM_GAP" || time === undefined) return error;
  return streamGap(
    `${error.message}; the last change applied was made at ${new Date(time).toISOString()}`,
    error,
  );
}

function track({ progress }: TableStream, { id, parent, position, time }: ShardNote): ShardProgress {
  const sequenceNumber = position.at === "sequence" ? position.number : undefined;
  const shard: ShardProgress = { id, parent, sequenceNumber, time };
  progress.shards.set(id, shard);
  progress.waiting.delete(id);
  return shard;
}

/** What is older than the following may be applied already, by the full phase or an earlier process. */
function explainReplays({ progress }: TableStream, page: StreamPage): void {
  for (const change of headsOf(page)) {
    if ((change.time ?? 0) <= progress.startedAt + TIME_GRAIN) change.replayed = true;
  }
}

/**
 * Whether a shard was noted so long ago that it should be noted anew, or by a clock that was ahead.
 *
 * @param wait how long it waits between two requests, in ms
 */
export function isOlder(notedAt: number | undefined, now: number | undefined, wait = 0): boolean {
  const after = Math.min(RENOTE + RENOTE_WAITS * wait, RENOTE_LATEST);
  return now !== undefined && (notedAt === undefined || now - notedAt > after || isAhead(notedAt));
}

/**
 * Reads a shard's stream from its position. One that is read from its oldest record must have been noted while all
 * of them were there, until its first page comes.
 *
 * @param quiet a reader that stands at its position already
 * @throws MigrationError STREAM_GAP
 */
export function openReader(
  { ctx, table, polls, checkpoint: { shards } }: TableStream,
  note: ShardNote,
  quiet?: ShardReader,
): ShardReader {
  refuseExpired(table, shards, note);
  const reader = quiet ?? ctx.role("streams").read({ phase: "incr", table, shard: note.id }, note.position);
  return polls.pace(refusingExpired(reader, table, shards, note));
}
