/** Reading the tables' streams. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { LISTED, type Shard, type Table } from "../../core/types.ts";
import { streamsEndpoint } from "../_dynamodb/access.ts";
import { createCalls } from "../_dynamodb/calls.ts";
import { createClient, createStreamsClient } from "../_dynamodb/client.ts";
import { createShardLists, type StreamName } from "./dynamodb-streams/shard-lists.ts";
import { createShardReader } from "./dynamodb-streams/shard-reader.ts";
import { disableStream, enabledStream, madeAt } from "./dynamodb-streams/disable-stream.ts";
import { enableStream, readyShards } from "./dynamodb-streams/enable-stream.ts";
import { createInspection } from "./dynamodb-streams/inspect.ts";

/** The source of the incremental phase: every table's DynamoDB stream. */
const dynamodbStreams: Plugin = definePlugin({
  name: "source/dynamodb-streams",
  setup(ctx) {
    const { config } = ctx;
    const calls = createCalls(ctx, "source");
    const streams = new Map<string, StreamName>();
    /** The shards seen when streams were opened: listed for who asks first, unless that was too long ago. */
    const opened = new Map<string, { shards: Shard[]; at: number }>();
    let client: DynamoDBClient | undefined;
    let streamsClient: DynamoDBStreamsClient | undefined;
    const connected = (): DynamoDBStreamsClient =>
      (streamsClient ??= createStreamsClient(ctx, ["GetRecordsCommand"]));
    const lists = createShardLists(ctx, connected);
    const tables = (): DynamoDBClient => (client ??= createClient(ctx, []));

    ctx.provide("streams", {
      async open(table, signal, onEnable) {
        connected();
        const { arn, made } = await enableStream(ctx, tables(), calls, table, onEnable);
        if (streams.get(table.name)?.arn === arn) return arn;
        const stream = { table: table.name, arn };
        const where = { made, endpoint: streamsEndpoint(config) };
        const shards = await readyShards(ctx, () => lists.look(stream, signal), table, where);
        streams.set(table.name, stream);
        opened.set(table.name, { shards, at: performance.now() });
        return arn;
      },

      enabled: (table, signal) => enabledStream(tables(), calls, table, signal),
      madeAt,
      disable: (table, signal) => disableStream(tables(), calls, table, signal),

      async shards(table, signal) {
        const seen = opened.get(table.name);
        opened.delete(table.name);
        if (seen !== undefined && performance.now() - seen.at < LISTED) return seen.shards;
        return (await lists.look(streamOf(table), signal)).shards;
      },

      children: (table, shard, signal) => lists.children(streamOf(table), shard, signal),

      read: (unit, from) =>
        createShardReader({
          ctx,
          client: connected(),
          calls,
          stream: streamOf(unit.table).arn,
          unit,
          from,
        }),

      inspect: createInspection({
        client: tables,
        streams: connected,
        calls,
        lists,
        endpoint: () => streamsEndpoint(config),
      }),

      close() {
        client?.destroy();
        streamsClient?.destroy();
        client = streamsClient = undefined;
      },
    });

    const streamOf = ({ name }: Table): StreamName => streams.get(name)!;
  },
});
export default dynamodbStreams;
