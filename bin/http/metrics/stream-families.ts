/** Metrics of the tables' streams: how far they are behind. */
import { shardLag, streamLag, type StreamProgress } from "../../../core/progress/stream-progress.ts";
import type { Family, MetricSource } from "./family.ts";

const SECOND = 1000;

/** With more shards a table only the one most behind has a value, under this name. */
const MOST_SHARDS = 100;
const WORST = "worst";

/** See the top of the file. Tables whose stream isn't followed yet are left out. */
export const STREAM_FAMILIES: readonly Family[] = [
  {
    kind: "gauge",
    name: "nimoshake_lag_seconds",
    help: `How far a shard is behind; left out until it has caught up once. Of a table with more than ${MOST_SHARDS} shards: shard="${WORST}"`,
    labels: ["table", "shard"],
    *read(source) {
      for (const [table, stream] of followed(source)) {
        for (const [shard, lag] of lags(stream, source.now))
          yield { labels: { table, shard }, value: seconds(lag) };
      }
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_table_lag_seconds",
    help: "How far the table's shard that is most behind is behind; left out until all have caught up once",
    labels: ["table"],
    *read(source) {
      for (const [table, stream] of followed(source)) {
        yield { labels: { table }, value: seconds(streamLag(stream, source.now)) };
      }
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_shards",
    help: "Shards by their state; catching_up: not at the tip yet since the following began, waiting: to be followed next",
    labels: ["table", "state"],
    *read(source) {
      for (const [table, { shards, waiting }] of followed(source)) {
        const behind = [...shards.values()].filter(({ caughtUpAt }) => caughtUpAt === undefined).length;
        yield { labels: { table, state: "following" }, value: shards.size - behind };
        yield { labels: { table, state: "catching_up" }, value: behind };
        yield { labels: { table, state: "waiting" }, value: waiting.size };
      }
    },
  },
];

function* followed({ view }: MetricSource): Iterable<[table: string, stream: StreamProgress]> {
  for (const { name, stream } of view.progress.tables.values())
    if (stream !== undefined) yield [name, stream];
}

function lags(stream: StreamProgress, now: number): [shard: string, lag: number | undefined][] {
  if (stream.shards.size > MOST_SHARDS) return [[WORST, streamLag(stream, now)]];
  return [...stream.shards.values()].map((shard) => [shard.id, shardLag(shard, now)]);
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / SECOND);
