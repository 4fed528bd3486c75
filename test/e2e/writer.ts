/** What is done at a real source: writers, streams as NimoShake has read them, and what is in a table. */
import { type Attributes, dynamo } from "./helpers.ts";

/** A writer at work. */
export interface Writer {
  /** How many changes it has made. */
  writes(): number;
  /** Ends it, when its last change is made. */
  stop(): Promise<void>;
}

/** Random puts, changes and deletes over some keys until stopped, and what is there at its end. */
export function startWriter(endpoint: string, table: string, keys: number, seed: number): Writer {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const stopping = new AbortController();
  let writes = 0;
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const pk = { S: `k${random(keys)}` };
      const n = { N: String(100_000 + writes++) };
      const what = random(10);
      if (what < 3) await dynamo(endpoint, "DeleteItem", { TableName: table, Key: { pk } });
      else if (what < 6) {
        await dynamo(endpoint, "UpdateItem", {
          TableName: table,
          Key: { pk },
          UpdateExpression: "SET #n = :n, #d = :d",
          ExpressionAttributeNames: { "#n": "n", "#d": "$odd.name" },
          ExpressionAttributeValues: { ":n": n, ":d": { S: "x" } },
        });
      } else await dynamo(endpoint, "PutItem", { TableName: table, Item: { pk, n, new: { BOOL: true } } });
    }
  }
  const done = run();
  return {
    writes: () => writes,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** All items of a table as the service sends them, by their keys' JSON. */
export async function itemsByKey(
  endpoint: string,
  TableName: string,
  keys: string[] = ["pk"],
): Promise<Map<string, Attributes>> {
  const items = new Map<string, Attributes>();
  let from: unknown;
  do {
    const answer = await dynamo(endpoint, "Scan", {
      TableName,
      ConsistentRead: true,
      ...(from !== undefined && { ExclusiveStartKey: from }),
    });
    for (const item of answer["Items"] as Attributes[])
      items.set(JSON.stringify(keys.map((name) => item[name])), item);
    from = answer["LastEvaluatedKey"];
  } while (from !== undefined);
  return items;
}

/** A shard and the sequence numbers of its records. */
export interface ShardRecords {
  shard: string;
  numbers: string[];
}

/** Enables a table's stream and gives its ARN. */
export async function enableStream(endpoint: string, TableName: string): Promise<string> {
  const StreamSpecification = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" };
  const answer = await dynamo(endpoint, "UpdateTable", { TableName, StreamSpecification });
  return (answer["TableDescription"] as { LatestStreamArn: string }).LatestStreamArn;
}

/** The only shard of a stream and its records' numbers. */
export async function readAll(endpoint: string, StreamArn: string): Promise<ShardRecords> {
  const call = (operation: string, body: object): Promise<Record<string, unknown>> =>
    dynamo(endpoint, operation, body, "DynamoDBStreams_20120810");
  const described = await call("DescribeStream", { StreamArn });
  const [{ ShardId }] = (described["StreamDescription"] as { Shards: [{ ShardId: string }] }).Shards;
  const from = await call("GetShardIterator", { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" });
  const { Records } = (await call("GetRecords", { ShardIterator: from["ShardIterator"] })) as {
    Records: { dynamodb: { SequenceNumber: string } }[];
  };
  return { shard: ShardId, numbers: Records.map(({ dynamodb }) => dynamodb.SequenceNumber) };
}

/** The shard's row in NimoShake's checkpoint, when it has applied the records up to one of them. */
export function shardRow({ shard, numbers }: ShardRecords, applied: number): Record<string, string> {
  return {
    ShardId: shard,
    FatherId: "",
    SequenceNumber: numbers[applied]!,
    Status: "in processing",
    WorkerId: "unknown-worker",
    IteratorType: "AT_SEQUENCE_NUMBER",
    ShardIt: "see sequence number",
    UpdateDate: "2026-11-23T20:08:38Z",
    ApproximateTime: "2026-11-23 20:08:00 +0000 UTC",
  };
}
