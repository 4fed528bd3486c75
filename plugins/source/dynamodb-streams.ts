/** Reading the tables' streams. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  type GetRecordsCommandInput,
} from "@aws-sdk/client-dynamodb-streams";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { LISTED, type Shard, type Table } from "../../core/types.ts";
import { hasAwsStreams, streamsEndpoint } from "../_dynamodb/access.ts";
import { createCalls } from "../_dynamodb/calls.ts";
import { createClient, createStreamsClient } from "../_dynamodb/client.ts";
import { createShardLists, type StreamName } from "./dynamodb-streams/shard-lists.ts";
import { createRawCall, type RawCallOptions } from "../_dynamodb/raw-call.ts";
import { createShardReader } from "./dynamodb-streams/shard-reader.ts";
import { disableStream, enabledStream, madeAt } from "./dynamodb-streams/disable-stream.ts";
import { enableStream, readyShards } from "./dynamodb-streams/enable-stream.ts";
import { createInspection } from "./dynamodb-streams/inspect.ts";

const GET_RECORDS: RawCallOptions<GetRecordsCommandInput> = {
  operation: "GetRecords",
  api: "DynamoDBStreams_20120810",
  command: (request) => new GetRecordsCommand(request),
};

/** The source of the incremental phase: every table's DynamoDB stream. */
const dynamodbStreams: Plugin = definePlugin({
  name: "source/dynamodb-streams",
  setup(ctx) {
    const { config } = ctx;
    const calls = createCalls(ctx, "source");
    const streams = new Map<string, StreamName>();
    /** The shards of streams that were waited for: listed for who asks first, unless that was too long ago. */
    const opened = new Map<string, { shards: Shard[]; at: number }>();
    let client: DynamoDBClient | undefined;
    let streamsClient: DynamoDBStreamsClient | undefined;
    const connected = (): DynamoDBStreamsClient =>
      (streamsClient ??= createStreamsClient(ctx, ["GetRecordsCommand"]));
    const records = createRawCall(ctx, connected, GET_RECORDS);
    let listing: DynamoDBStreamsClient | undefined;
    /** When the last list was given, by the service's clock. */
    let clock: number | undefined;
    const lists = createShardLists(
      ctx,
      () => (listing ??= createStreamsClient(ctx, [], 1, (at) => (clock = at))),
      () => hasAwsStreams(config),
    );
    /** Streams that were opened and not looked at: that is a call of which few are allowed, and who asks for shards makes it. */
    const unseen = new Set<string>();
    const tables = (): DynamoDBClient => (client ??= createClient(ctx, []));

    /** A stream's shards, when it can be read; refuses one that can't. */
    const firstLook = (
      table: Table,
      stream: StreamName,
      made: boolean,
      signal: AbortSignal,
    ): Promise<Shard[]> => {
      const where = { made, endpoint: streamsEndpoint(config) };
      return readyShards(ctx, () => lists.look(stream, signal), table, where);
    };

    ctx.provide("streams", {
      async open(table, signal, onEnable) {
        connected();
        const { arn, made } = await enableStream(ctx, tables(), calls, table, onEnable);
        if (streams.get(table.name)?.arn === arn) return arn;
        const stream = { table: table.name, arn };
        opened.delete(table.name);
        if (made) {
          const shards = await firstLook(table, stream, made, signal);
          opened.set(table.name, { shards, at: performance.now() });
        } else unseen.add(table.name);
        streams.set(table.name, stream);
        return arn;
      },

      enabled: (table, signal) => enabledStream(tables(), calls, table, signal),
      madeAt,
      // Of others nobody knows that their clocks aren't set back.
      clock: () => (hasAwsStreams(config) ? clock : undefined),
      disable: (table, signal) => disableStream(tables(), calls, table, signal),

      async shards(table, signal) {
        const seen = opened.get(table.name);
        opened.delete(table.name);
        if (seen !== undefined && performance.now() - seen.at < LISTED) return seen.shards;
        if (unseen.has(table.name)) {
          const shards = await firstLook(table, streamOf(table), false, signal);
          unseen.delete(table.name);
          return shards;
        }
        return (await lists.look(streamOf(table), signal)).shards;
      },

      children: (table, shard, signal) => lists.children(streamOf(table), shard, signal),

      read: (unit, from) =>
        createShardReader({
          ctx,
          client: connected(),
          calls,
          records,
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
        listing?.destroy();
        client = streamsClient = listing = undefined;
      },
    });

    const streamOf = ({ name }: Table): StreamName => streams.get(name)!;
  },
});
export default dynamodbStreams;
