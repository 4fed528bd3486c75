/** What `check` shows of the streams: which would be enabled, which can't be followed, which rights are granted. */
import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { MigrationError } from "../../../core/errors.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import type { Streams } from "../../../core/plugin/roles.ts";
import type { Table } from "../../../core/types.ts";
import type { Calls } from "../../_dynamodb/calls.ts";
import { type Action, createRightList, type RightList } from "../../_dynamodb/rights.ts";
import { refuseStatus, refuseView, unknownStreams } from "./enable-stream.ts";
import type { ShardLists } from "./shard-lists.ts";

/** Tables looked at at once. */
const LOOKS = 8;
/** DescribeStream may be called a few times a second only: of more streams than these the rights aren't tried. */
const MOST_STREAMS = 25;

const FOLLOW = { purpose: "follow the streams", isNeeded: true };
const ENABLE: Action = { action: "dynamodb:UpdateTable", purpose: "enable the streams", isNeeded: true };
const DESCRIBE: Action = { action: "dynamodb:DescribeStream", ...FOLLOW };
const ITERATE: Action = { action: "dynamodb:GetShardIterator", ...FOLLOW };
const READ: Action = { action: "dynamodb:GetRecords", ...FOLLOW };

/** What {@link createInspection} works with. */
export interface InspectionParts {
  client: () => DynamoDBClient;
  streams: () => DynamoDBStreamsClient;
  calls: Calls;
  lists: ShardLists;
  /** Where the streams are asked, for errors. */
  endpoint: () => string;
}

/** Makes what looks. */
export function createInspection(parts: InspectionParts): NonNullable<Streams["inspect"]> {
  const { calls } = parts;

  /** Whether a start would enable the table's stream. Throws what refuses it. */
  async function isToEnable({ name }: Table, signal: AbortSignal): Promise<boolean> {
    const command = new DescribeTableCommand({ TableName: name });
    const description = await calls({ call: "DescribeTable", table: name }, signal, async () => {
      return (await parts.client().send(command, { abortSignal: signal })).Table!;
    });
    refuseView(name, description);
    return description.StreamSpecification?.StreamEnabled !== true;
  }

  return async (tables, signal) => {
    const rights = createRightList(signal);
    const toEnable: string[] = [];
    const refusals: MigrationError[] = [];
    const there = tables.filter(({ stream }) => stream !== undefined);

    async function heard(look: () => Promise<void>): Promise<void> {
      try {
        await look();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof MigrationError)) throw error;
        refusals.push(error);
      }
    }

    await inParallel(
      tables.filter(({ stream }) => stream === undefined),
      LOOKS,
      (table) =>
        heard(async () => {
          if (await isToEnable(table, signal)) toEnable.push(table.name);
        }),
    );
    await inParallel(there.slice(0, MOST_STREAMS), LOOKS, (table) =>
      heard(() => tryStream(parts, table, rights, signal)),
    );
    rights.untested(ENABLE, toEnable, "it can't be tried without a change");
    for (const action of [DESCRIBE, ITERATE, READ]) {
      rights.untested(action, toEnable, "the stream isn't enabled yet");
      const more = there.slice(MOST_STREAMS).map(({ name }) => name);
      rights.untested(action, more, `it was tried on ${MOST_STREAMS} other streams`);
    }
    return { rights: rights.list(), toEnable, refusals };
  };
}

/** Reads a stream's shards, and no more than one record of one of them. */
async function tryStream(
  { streams, calls, lists, endpoint }: InspectionParts,
  table: Table,
  rights: RightList,
  signal: AbortSignal,
): Promise<void> {
  const { name, stream: arn = "" } = table;
  let unfit: MigrationError | undefined;
  const look = await rights.try(DESCRIBE, name, async () => {
    try {
      return await lists.look({ table: name, arn }, signal);
    } catch (error) {
      unfit = unknownStreams(error, table, endpoint());
      throw error;
    }
  });
  if (unfit !== undefined) throw unfit;
  if (look === undefined) return;
  refuseStatus(look, table);
  const { id } = look.shards.find(({ last }) => last === undefined) ?? look.shards[0] ?? {};
  if (id === undefined) {
    for (const action of [ITERATE, READ]) rights.untested(action, [name], "the stream has no shard yet");
    return;
  }
  const iterate = new GetShardIteratorCommand({
    StreamArn: arn,
    ShardId: id,
    ShardIteratorType: "TRIM_HORIZON",
  });
  const send = { abortSignal: signal };
  const iterator = await rights.try(ITERATE, name, () =>
    calls({ call: "GetShardIterator", table: name }, signal, () => streams().send(iterate, send)),
  );
  if (iterator === undefined) {
    rights.untested(READ, [name], "it needs GetShardIterator");
    return;
  }
  const read = new GetRecordsCommand({ ShardIterator: iterator.ShardIterator, Limit: 1 });
  await rights.try(READ, name, () =>
    calls({ call: "GetRecords", table: name }, signal, () => streams().send(read, send)),
  );
}
