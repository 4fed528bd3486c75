import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  type DescribeStreamCommandInput,
  type DynamoDBStreamsClient,
  type Shard as SdkShard,
} from "@aws-sdk/client-dynamodb-streams";
import { MigrationError } from "../../core/errors.ts";
import { createLimiter } from "../../core/limit.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import type { Shard, Table } from "../../core/types.ts";
import { createCalls } from "../_dynamodb-calls.ts";
import { createClient, createStreamsClient } from "../_dynamodb-client.ts";
import { createShardReader } from "./_shard-reader.ts";
import { enableStream, unknown } from "./_stream-enable.ts";

/** The service's limit of DescribeStream calls. */
const DESCRIBES_PER_SECOND = 10;

/** The source of the incremental phase: every table's DynamoDB stream. */
const dynamodbStreams: Plugin = definePlugin({
  name: "source/dynamodb-streams",
  setup(ctx) {
    const { config } = ctx;
    const calls = createCalls(ctx, "source");
    const mayDescribe = createLimiter(DESCRIBES_PER_SECOND);
    const streams = new Map<string, string>();
    let client: DynamoDBClient | undefined;
    let streamsClient: DynamoDBStreamsClient | undefined;
    const connected = (): DynamoDBStreamsClient =>
      (streamsClient ??= createStreamsClient(config, ["GetRecordsCommand"]));

    /** One table's shards, page by page; a shard that comes twice counts once. */
    async function describe(
      { name }: Table,
      signal: AbortSignal,
      filter: Partial<DescribeStreamCommandInput> = {},
    ): Promise<Shard[]> {
      const shards = new Map<string, Shard>();
      let from: string | undefined;
      do {
        const command = new DescribeStreamCommand({
          StreamArn: streams.get(name)!,
          ...filter,
          ...(from !== undefined && { ExclusiveStartShardId: from }),
        });
        const answer = await calls({ call: "DescribeStream", table: name }, signal, async () => {
          await mayDescribe(signal, name);
          return connected().send(command, { abortSignal: signal });
        });
        for (const shard of answer.StreamDescription?.Shards ?? [])
          shards.set(shard.ShardId!, toShard(shard));
        from = answer.StreamDescription?.LastEvaluatedShardId;
      } while (from !== undefined);
      return [...shards.values()];
    }

    ctx.provide("streams", {
      async open(table, signal) {
        client ??= createClient(config, []);
        const stream = await enableStream(ctx, client, calls, table);
        streams.set(table.name, stream);
        try {
          await describe(table, signal);
        } catch (error) {
          if (isUnknown(error)) throw unknown(table.name, error);
          throw error;
        }
        return stream;
      },

      shards: (table, signal) => describe(table, signal),

      async children(table, shard, signal) {
        const ShardFilter = { Type: "CHILD_SHARDS", ShardId: shard } as const;
        const isChild = ({ parent }: Shard): boolean => parent === shard;
        const found = await describe(table, signal, { ShardFilter }).catch((error: unknown) => {
          if (isRefused(error)) return [];
          throw error;
        });
        const children = found.filter(isChild);
        // Who doesn't know the filter answers something else.
        return children.length > 0 ? children : (await describe(table, signal)).filter(isChild);
      },

      read: (unit, from) =>
        createShardReader({
          ctx,
          client: connected(),
          calls,
          stream: streams.get(unit.table.name)!,
          unit,
          from,
        }),

      close() {
        client?.destroy();
        streamsClient?.destroy();
        client = streamsClient = undefined;
      },
    });
  },
});
export default dynamodbStreams;

function toShard({ ShardId, ParentShardId, SequenceNumberRange: range }: SdkShard): Shard {
  return {
    id: ShardId!,
    ...(ParentShardId !== undefined && { parent: ParentShardId }),
    ...(range?.StartingSequenceNumber !== undefined && { first: range.StartingSequenceNumber }),
    ...(range?.EndingSequenceNumber !== undefined && { last: range.EndingSequenceNumber }),
  };
}

const causeOf = (error: unknown): string =>
  error instanceof MigrationError && error.cause instanceof Error ? error.cause.name : "";

const isUnknown = (error: unknown): boolean => causeOf(error) === "UnknownOperationException";

const isRefused = (error: unknown): boolean =>
  ["ValidationException", "SerializationException"].includes(causeOf(error));
