/** How a table's stream is opened: how often the source is asked, what is waited for, what is refused and why. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { streamsAccess } from "../../../../plugins/_dynamodb/access.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { createStreamsClient } from "../../../../plugins/_dynamodb/client.ts";
import { createShardLists } from "../../../../plugins/source/dynamodb-streams/shard-lists.ts";
import dynamodbStreams from "../../../../plugins/source/dynamodb-streams.ts";
import { memorySource, testConfig, testTable } from "../../../fakes/context.ts";
import type { Table } from "../../../../core/types.ts";
import type { Call, Misbehaviour, StandIn } from "../../../stand-in/dynamodb.ts";
import { startStandIn } from "../../../stand-in/dynamodb.ts";
import { startStreams, type Streams, type StreamsOptions } from "../../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TABLE = testTable("pk");

async function openContext(source: StandIn, settings: Record<string, string> = {}): Promise<OwnedContext> {
  const ctx = createContext({
    config: testConfig({ "source.endpoint_url": source.endpoint, ...settings }),
    patience: 5000,
  });
  await ctx.use(dynamodbScan);
  await ctx.use(dynamodbStreams);
  return ctx;
}

/** The answers of DescribeTable or DescribeStream, with some members another for so many calls. */
function changed(operation: string, path: string, members: object, times = Infinity) {
  const left = { times };
  return (streams: () => Streams) =>
    (call: Call): Misbehaviour | undefined => {
      if (call.operation !== operation || left.times-- <= 0) return undefined;
      const { result } = streams().right(call) as { result: Record<string, object> };
      return { result: { [path]: { ...result[path], ...members } } };
    };
}

async function startChanged(
  change: ReturnType<typeof changed>,
  options: Partial<StreamsOptions> = {},
): Promise<Streams> {
  const streams: Streams = await startStreams({
    tables: ["t"],
    misbehave: change(() => streams),
    ...options,
  });
  return streams;
}

describe("a table whose id isn't the one that DynamoDB gives", () => {
  /** Opens the stream of a table of this id, with a source that describes it so now. */
  async function open(id: string, describe?: () => Promise<Table | undefined>): Promise<string> {
    await using streams = await startStreams({ tables: ["t"] });
    const config = testConfig({ "source.endpoint_url": streams.source.endpoint });
    await using ctx = createContext({ config, patience: 2000 });
    await ctx.use({
      name: "source-of-its-own",
      setup: ({ provide }) => provide("source", { ...memorySource([]), ...(describe && { describe }) }),
    });
    await ctx.use(dynamodbStreams);
    return await ctx.role("streams").open({ ...TABLE, id }, ctx.signal);
  }

  test.each<[string, (() => Promise<Table | undefined>) | undefined]>([
    ["is the same, as the source says", async () => ({ ...TABLE, id: "export-1" })],
    ["is gone, as the source says", async () => undefined],
    ["is nothing that the source tells again", undefined],
  ])("%s: its stream is opened", async (_, describe) => {
    expect(await open("export-1", describe)).toContain("/t/stream/");
  });

  test("is another one, as the source says: refused", async () => {
    const anew = open("export-1", async () => ({ ...TABLE, id: "export-2" }));
    await expect(anew).rejects.toMatchObject({ code: "SOURCE_GONE" });
  });
});

describe("DescribeStream", () => {
  test("is asked once to begin, however often the stream is opened", async () => {
    await using streams = await startStreams({ tables: ["t"] });
    await using ctx = await openContext(streams.source);
    const role = ctx.role("streams");
    await role.open(TABLE, ctx.signal);
    await role.open(TABLE, ctx.signal);
    expect(await role.shards(TABLE, ctx.signal)).toHaveLength(2);
    expect(streams.source.count("DescribeStream")).toBe(1);
    // What is seen later is not what was seen then.
    streams.split("t", streams.open("t")[0]!);
    expect(await role.shards(TABLE, ctx.signal)).toHaveLength(4);
  });

  test("is asked when the shards are, of a stream that is there when it is opened", async () => {
    await using streams = await startStreams({ tables: ["t"] });
    await using ctx = await openContext(streams.source);
    const role = ctx.role("streams");
    await role.open(TABLE, ctx.signal);
    expect(streams.source.count("DescribeStream")).toBe(0);
    expect(await role.shards(TABLE, ctx.signal)).toHaveLength(2);
    expect(streams.source.count("DescribeStream")).toBe(1);
  });

  test("tells of a stream that can't be read when its shards are asked for", async () => {
    const disabled = changed("DescribeStream", "StreamDescription", { StreamStatus: "DISABLED" });
    await using streams = await startChanged(disabled);
    await using ctx = await openContext(streams.source);
    const role = ctx.role("streams");
    await role.open(TABLE, ctx.signal);
    await expect(role.shards(TABLE, ctx.signal)).rejects.toMatchObject({ code: "STREAM_UNFIT" });
  });

  /** When six streams are looked at that are asked for at once. */
  async function looks(isLimited: boolean, refused: number[] = []): Promise<number[]> {
    const tables = Array.from({ length: 6 }, (_, n) => `t${n}`);
    await using streams = await startStreams({
      tables,
      label: "one",
      misbehave: ({ operation, number }) =>
        operation === "DescribeStream" && refused.includes(number)
          ? { error: "LimitExceededException" }
          : undefined,
    });
    await using ctx = await openContext(streams.source);
    const client = createStreamsClient(ctx, [], 1);
    const lists = createShardLists(
      ctx,
      () => client,
      () => isLimited,
    );
    // Not from the first call's arrival: it may take long to get there.
    const start = performance.now();
    await Promise.all(
      tables.map((table) =>
        lists.look({ table, arn: `arn:aws:dynamodb:x:0:table/${table}/stream/one` }, ctx.signal),
      ),
    );
    const calls = streams.source.calls.filter(({ operation }) => operation === "DescribeStream");
    return calls.map(({ at }) => at - start);
  }

  test("is asked as often as an account may, where AWS is asked", async () => {
    const times = await looks(true);
    expect(times).toHaveLength(6);
    expect(times.at(-1)).toBeGreaterThan(450);
  });

  test("is asked half as often, and not at all for a while, when others need some calls, too", async () => {
    const times = await looks(true, [2]);
    expect(times).toHaveLength(7);
    // One may be on its way when the refusal comes.
    const after = [2, 3].find((n) => times[n]! - times[n - 1]! > 700) ?? 0;
    expect(after).toBeGreaterThan(0);
    // The others, 200 ms apart; half of that would be the usual pace.
    expect(times.at(-1)! - times[after]!).toBeGreaterThan(137 * (times.length - 1 - after));
  });

  test("is asked as often as an account may by who has learned of a limit", async () => {
    const times = await looks(false, [5, 6]);
    expect(times).toHaveLength(8);
    // The six are asked for at once.
    expect(times[6]! - times[5]!).toBeGreaterThan(700);
  });

  test("is asked once more when the SDK has set its clock by the refusal", async () => {
    await using ctx = createContext({ config: testConfig() });
    const $metadata = { httpStatusCode: 400, clockSkewCorrected: true };
    const wrongClock = Object.assign(new Error("too old"), { name: "InvalidSignatureException", $metadata });
    const failures = [wrongClock];
    async function send(): Promise<object> {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return { StreamDescription: { Shards: [] } };
    }
    const client = { send } as unknown as ReturnType<typeof createStreamsClient>;
    const lists = createShardLists(
      ctx,
      () => client,
      () => true,
    );
    expect(await lists.look({ table: "t", arn: "arn" }, ctx.signal)).toEqual({
      status: undefined,
      shards: [],
    });
  });

  test.each(["works", "ignored", "refused"] as const)(
    "for children, where the filter %s",
    async (childFilter) => {
      await using streams = await startStreams({ tables: ["t"], childFilter });
      await using ctx = await openContext(streams.source);
      const role = ctx.role("streams");
      await role.open(TABLE, ctx.signal);
      const [shard] = streams.open("t");
      const before = streams.source.count("DescribeStream");
      expect(await role.children(TABLE, shard!, ctx.signal)).toEqual([]);
      streams.split("t", shard!);
      expect(await role.children(TABLE, shard!, ctx.signal)).toHaveLength(2);
      expect(streams.source.count("DescribeStream") - before).toBe(childFilter === "works" ? 2 : 3);
    },
  );
});

describe("what is waited for", () => {
  test("nothing, where the table is UPDATING and has its stream", async () => {
    await using streams = await startChanged(changed("DescribeTable", "Table", { TableStatus: "UPDATING" }));
    await using ctx = await openContext(streams.source);
    expect(await ctx.role("source").tables(ctx.signal)).toHaveLength(1);
    await ctx.role("streams").open(TABLE, ctx.signal);
    expect(streams.source.count("DescribeTable")).toBe(2);
  });

  test("an UPDATING table without a stream: it is enabled after that", async () => {
    const change = changed("DescribeTable", "Table", { TableStatus: "UPDATING" }, 2);
    await using streams = await startChanged(change, { disabled: true });
    await using ctx = await openContext(streams.source);
    await ctx.role("streams").open(TABLE, ctx.signal);
    const calls = streams.source.calls.map(({ operation }) => operation);
    expect(calls.slice(0, 4)).toEqual(["DescribeTable", "DescribeTable", "DescribeTable", "UpdateTable"]);
  });

  test("somebody else's change to the table, which refuses ours", async () => {
    let refusals = 2;
    await using streams = await startStreams({
      tables: ["t"],
      disabled: true,
      misbehave: ({ operation }) =>
        operation === "UpdateTable" && refusals-- > 0 ? { error: "ResourceInUseException" } : undefined,
    });
    await using ctx = await openContext(streams.source);
    await ctx.role("streams").open(TABLE, ctx.signal);
    expect(streams.source.count("UpdateTable")).toBe(3);
  });

  test.each<[string, object]>([
    ["a stream that is ENABLING", { StreamStatus: "ENABLING", Shards: [] }],
    ["a stream without a shard", { Shards: [] }],
  ])("%s", async (_, members) => {
    await using streams = await startChanged(changed("DescribeStream", "StreamDescription", members, 2));
    await using ctx = await openContext(streams.source);
    const role = ctx.role("streams");
    await role.open(TABLE, ctx.signal);
    expect(await role.shards(TABLE, ctx.signal)).toHaveLength(2);
    expect(streams.source.count("DescribeStream")).toBe(3);
  });
});

describe("what is refused", () => {
  test.each(["CREATING", "DELETING", "ARCHIVING", "ARCHIVED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"])(
    "a table that is %s",
    async (TableStatus) => {
      await using streams = await startChanged(changed("DescribeTable", "Table", { TableStatus }));
      await using ctx = await openContext(streams.source);
      const refusal = { code: "TABLE_UNFIT", exit: 2, message: `can't be read: table t is ${TableStatus}` };
      await expect(ctx.role("source").tables(ctx.signal)).rejects.toMatchObject(refusal);
    },
  );

  test("an endpoint that knows tables and no streams, which is named", async () => {
    await using streams = await startStreams({ tables: ["t"] });
    await using tables = await startStandIn({ misbehave: () => ({ error: "UnknownOperationException" }) });
    const settings = { "source.streams_endpoint_url": tables.endpoint };
    await using ctx = await openContext(streams.source, settings);
    const role = ctx.role("streams");
    await role.open(TABLE, ctx.signal);
    await expect(role.shards(TABLE, ctx.signal)).rejects.toMatchObject({
      code: "STREAM_UNFIT",
      message: expect.stringContaining(`no streams are known at ${new URL(tables.endpoint).host}: table t`),
      hint: expect.stringContaining("source.streams_endpoint_url"),
    });
  });
});

describe("where the streams are", () => {
  const VARIABLE = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS";
  afterEach(() => void delete process.env[VARIABLE]);

  const access = (settings: Record<string, string>) => streamsAccess(testConfig(settings));

  test.each([
    [
      "https://dynamodb.eu-west-1.amazonaws.com",
      "https://streams.dynamodb.eu-west-1.amazonaws.com/",
      "eu-west-1",
    ],
    [
      "https://dynamodb.eu-west-1.amazonaws.com:443/",
      "https://streams.dynamodb.eu-west-1.amazonaws.com/",
      "eu-west-1",
    ],
    [
      "http://dynamodb.us-east-2.amazonaws.com",
      "http://streams.dynamodb.us-east-2.amazonaws.com/",
      "us-east-2",
    ],
    [
      "https://dynamodb-fips.us-east-1.amazonaws.com",
      "https://streams.dynamodb-fips.us-east-1.amazonaws.com/",
      "us-east-1",
    ],
    [
      "https://dynamodb.us-gov-west-1.amazonaws.com",
      "https://streams.dynamodb.us-gov-west-1.amazonaws.com/",
      "us-gov-west-1",
    ],
    [
      "https://dynamodb.cn-north-1.amazonaws.com.cn",
      "https://streams.dynamodb.cn-north-1.amazonaws.com.cn/",
      "cn-north-1",
    ],
    ["https://dynamodb.us-west-2.api.aws", "https://streams-dynamodb.us-west-2.api.aws/", "us-west-2"],
    [
      "https://123456789012.ddb.us-east-1.amazonaws.com",
      "https://streams.dynamodb.us-east-1.amazonaws.com/",
      "us-east-1",
    ],
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000", "us-east-1"],
    ["https://db.example.com/path", "https://db.example.com/path", "us-east-1"],
  ])("%s", (url, endpoint, region) => {
    expect(access({ "source.endpoint_url": url })).toMatchObject({ endpoint, region });
  });

  test("what is said goes first, then the environment's", () => {
    const url = { "source.endpoint_url": "https://dynamodb.eu-west-1.amazonaws.com" };
    process.env[VARIABLE] = "http://env:1";
    expect(access(url).endpoint).toBe("http://env:1");
    expect(access({ ...url, "source.streams_endpoint_url": "http://conf:1" }).endpoint).toBe("http://conf:1");
  });

  test("an AWS address that tells nothing is refused, and the key is named", () => {
    const url = "https://vpce-1-a.dynamodb.eu-west-1.vpce.amazonaws.com";
    expect(() => access({ "source.endpoint_url": url })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        hint: expect.stringContaining("source.streams_endpoint_url"),
      }),
    );
  });

  test("AWS gets no placeholders for keys", () => {
    const credentials = (url: string) => access({ "source.endpoint_url": url }).credentials;
    expect(credentials("https://dynamodb.eu-west-1.amazonaws.com")).toBeFunction();
    expect(credentials("http://127.0.0.1:8000")).toMatchObject({ accessKeyId: "placeholder" });
  });
});
