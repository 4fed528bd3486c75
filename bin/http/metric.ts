/** `/metric`: the incremental phase as NimoShake gives it, and more. */
import type { Progress } from "../../core/progress/progress.ts";
import {
  shardLag,
  type ShardProgress,
  streamLag,
  type StreamProgress,
  switchable,
} from "../../core/progress/stream-progress.ts";

/**
 * NimoShake's fields under its names first; lags and ages are ms, times of ours ISO 8601.
 *
 * @param error what goes wrong now, or has ended the run; empty: nothing. Without secrets
 */
export function metricReport(progress: Progress, now: number, error: string): object {
  const followed = [...progress.tables.values()].flatMap(({ name, stream, spoolBytes = 0 }) =>
    stream === undefined ? [] : [{ name, stream, spoolBytes }],
  );
  const sum = (count: (stream: StreamProgress) => number): number =>
    followed.reduce((total, { stream }) => total + count(stream), 0);
  const { good, behind } = switchable(progress, now);
  return {
    records_get: sum(({ read }) => read),
    records_write: sum(({ written }) => written),
    checkpoint_times: sum(({ batches }) => batches),
    checkpoint_update_times: byName(followed, ({ stream }) => byName(shardsOf(stream), checkpointOf)),
    error,
    switch_over: good,
    behind,
    tables: byName(followed, ({ stream, spoolBytes }) => ({
      records_get: stream.read,
      records_write: stream.written,
      filtered: stream.filtered,
      bytes: stream.bytes,
      spool_bytes: spoolBytes,
      lag_ms: streamLag(stream, now) ?? null,
      shards: byName(shardsOf(stream), ({ shard }) => ({
        lag_ms: shardLag(shard, now) ?? null,
        record_age_ms: shard.time === undefined ? null : Math.max(0, now - shard.time),
        sequence_number: shard.sequenceNumber ?? null,
        checkpoint_time: shard.savedAt === undefined ? null : new Date(shard.savedAt).toISOString(),
      })),
    })),
  };
}

interface NamedShard {
  name: string;
  shard: ShardProgress;
}

function shardsOf({ shards }: StreamProgress): NamedShard[] {
  return [...shards].map(([name, shard]) => ({ name, shard }));
}

function byName<Each extends { name: string }>(all: Each[], make: (each: Each) => object): object {
  return Object.fromEntries(all.map((each) => [each.name, make(each)]));
}

/** A shard's checkpoint in NimoShake's words; one field's name is in other letters there, too. */
function checkpointOf({ shard }: NamedShard): object {
  const { savedAt, time, parent, sequenceNumber } = shard;
  const toSecond = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  return {
    update_time: savedAt === undefined ? "" : `${toSecond(savedAt)}Z`,
    sync_approximate_time: time === undefined ? "" : `${toSecond(time).replace("T", " ")} +0000 UTC`,
    father_shard_id: parent ?? "",
    SequenceNumber: sequenceNumber ?? "",
  };
}
