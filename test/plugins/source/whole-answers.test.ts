/** Every call to the source is made again: when its answer ends early or says nothing, and when there are too many. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import dynamodbScan from "../../../plugins/source/dynamodb-scan.ts";
import dynamodbStreams from "../../../plugins/source/dynamodb-streams.ts";
import { testConfig, testTable } from "../../fakes/context.ts";
import type { Misbehaviour } from "../../stand-in/dynamodb.ts";
import { startStreams, type Streams } from "../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TABLE = testTable("pk");
const HALVES: Record<string, string> = {
  ListTables: '{"TableNames":["t"',
  DescribeTable: '{"Table":{"TableName":"t","KeySchema":[{}]}',
  DescribeStream: '{"StreamDescription":{"Shards":[{"ShardId":"x"}]}',
  GetShardIterator: '{"ShardIterator":"x"',
  GetRecords: '{"Records":[]',
  BatchGetItem: '{"Responses":{"t":[]}',
};
const noHook = async (): Promise<void> => {};

/** All that a source is asked for, with the first answers of each call as given. */
async function ask(first: (operation: string) => Misbehaviour | undefined, times = 1): Promise<object> {
  await using streams: Streams = await startStreams({
    tables: ["t"],
    misbehave: ({ operation, number }) => (number <= times ? first(operation) : undefined),
  });
  const settings = { "source.endpoint_url": streams.source.endpoint, "source.session.max_retries": "0" };
  await using ctx: OwnedContext = createContext({ config: testConfig(settings), patience: 10_000 });
  await ctx.use(dynamodbScan);
  await ctx.use(dynamodbStreams);
  const { signal } = ctx;
  const [table] = await ctx.role("source").tables(signal);
  streams.put("t", { pk: { S: "a" }, n: { N: "1" } });
  const arn = await ctx.role("streams").open(TABLE, signal);
  const shards = await ctx.role("streams").shards(TABLE, signal);
  const polls = shards.map(async ({ id }) => {
    const reader = ctx.role("streams").read({ phase: "incr", table: TABLE, shard: id }, { at: "horizon" });
    const { records, ended } = await reader.poll({ beforeRequest: noHook, signal });
    return { records: records.map(({ keys }) => keys), ended };
  });
  const read = await Promise.all(polls);
  const absent = await ctx.role("source").absent!(TABLE, [{ pk: { S: "a" } }, { pk: { S: "b" } }], signal);
  return {
    name: table!.name,
    arn,
    shards: shards.length,
    read: read.flatMap(({ records }) => records),
    absent,
  };
}

const EXPECTED = {
  name: "t",
  arn: "arn:aws:dynamodb:x:0:table/t/stream/1",
  shards: 2,
  read: [{ pk: { S: "a" } }],
  absent: [{ pk: { S: "b" } }],
};

test.concurrent.each(Object.entries(HALVES))("half an answer of %s", async (operation, text) => {
  expect(await ask((asked) => (asked === operation ? { text } : undefined))).toEqual(EXPECTED);
});

test.concurrent.each(["", "null", "<html>"])("%j as the first answer of every call", async (text) => {
  expect(await ask(() => ({ text }))).toEqual(EXPECTED);
});

const MEMBERS: Record<string, string> = {
  ListTables: "TableNames",
  DescribeTable: "Table",
  DescribeStream: "StreamDescription",
  GetRecords: "Records",
  BatchGetItem: "Responses",
};
test.concurrent.each(
  Object.entries(MEMBERS).flatMap(([operation, member]) => [
    [operation, "{}"],
    [operation, `{"${member}":null}`],
  ]),
)("an object that says nothing, of %s: %s", async (operation, text) => {
  expect(await ask((asked) => (asked === operation ? { text: text! } : undefined))).toEqual(EXPECTED);
});

test.concurrent.each(Object.keys(HALVES))(
  "LimitExceededException of %s, without the SDK's own tries",
  async (operation) => {
    const refusal = { error: "LimitExceededException" };
    expect(await ask((asked) => (asked === operation ? refusal : undefined), 2)).toEqual(EXPECTED);
  },
);

test("a source that has never answered is given up soon", async () => {
  const settings = { "source.endpoint_url": "http://127.0.0.1:1", "source.session.max_retries": "0" };
  await using ctx: OwnedContext = createContext({ config: testConfig(settings) });
  await ctx.use(dynamodbScan);
  const started = performance.now();
  const tables = ctx.role("source").tables(ctx.signal);
  await expect(tables).rejects.toThrow(expect.objectContaining({ code: "SOURCE_UNREACHABLE" }));
  expect(performance.now() - started).toBeLessThan(60_000);
});
