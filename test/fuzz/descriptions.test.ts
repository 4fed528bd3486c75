/** What the service says of tables and streams, however its JSON is written: the same tables and shards come of it. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import fc from "fast-check";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createContext } from "../../core/run/context.ts";
import dynamodbScan from "../../plugins/source/dynamodb-scan.ts";
import dynamodbStreams from "../../plugins/source/dynamodb-streams.ts";
import { testConfig } from "../fakes/context.ts";
import { fuzz } from "./fuzzing.ts";

const NAME = "orders-ä.b_1";
const ARN = `arn:aws:dynamodb:eu-central-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000`;
const key = (name: string, type: string) => ({ AttributeName: name, KeyType: type });
const TABLE = {
  TableName: NAME,
  TableId: "f0e1",
  TableStatus: "ACTIVE",
  CreationDateTime: 1_700_000_000.5,
  ItemCount: 12_000,
  TableSizeBytes: 3_400_000,
  KeySchema: [key("pk", "HASH"), key("sk", "RANGE")],
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "N" },
    { AttributeName: 'by "é"', AttributeType: "B" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by",
      KeySchema: [key('by "é"', "HASH")],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["a", "\u2028"] },
    },
  ],
  LatestStreamArn: ARN,
  StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
};
const ANSWERS: Record<string, unknown> = {
  ListTables: { TableNames: [NAME] },
  DescribeTable: { Table: TABLE },
  ListStreams: { Streams: [{ StreamArn: ARN, TableName: NAME, StreamLabel: "2026-01-01T00:00:00.000" }] },
  DescribeStream: {
    StreamDescription: {
      StreamArn: ARN,
      StreamStatus: "ENABLED",
      StreamViewType: "NEW_AND_OLD_IMAGES",
      TableName: NAME,
      Shards: [
        {
          ShardId: "shardId-1",
          SequenceNumberRange: { StartingSequenceNumber: "1", EndingSequenceNumber: "90" },
        },
        {
          ShardId: "shardId-2",
          ParentShardId: "shardId-1",
          SequenceNumberRange: { StartingSequenceNumber: "91" },
        },
      ],
    },
  },
};

/** A way to write JSON: its choices, one after the other, again and again. */
type Choices = number[];

/** The same value in another writing: blanks, escapes, numbers with an exponent, members in any turn, members nobody knows. */
function written(value: unknown, choices: Choices): string {
  let at = 0;
  const choose = (count: number): number => choices[at++ % choices.length]! % count;
  const blank = (): string => ["", " ", "\n", "\t\r\n "][choose(4)]!;
  const unit = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const text = (from: string): string =>
    `"${[...from].map((each) => (choose(4) === 0 ? each.split("").map(unit).join("") : JSON.stringify(each).slice(1, -1))).join("")}"`;
  const list = (open: string, parts: string[], close: string): string =>
    `${open}${blank()}${parts.map((part) => blank() + part + blank()).join(",")}${close}`;
  const write = (each: unknown): string => {
    if (typeof each === "string") return text(each);
    if (typeof each === "number") {
      return [String(each), each.toExponential(), `${each * 10}e-1`, `${each / 100}E+2`][choose(4)]!;
    }
    if (Array.isArray(each)) return list("[", each.map(write), "]");
    if (typeof each !== "object" || each === null) return String(each);
    const members = Object.entries(each).map(
      ([name, of]) => `${text(name)}${blank()}:${blank()}${write(of)}`,
    );
    if (choose(3) === 0) members.push('"Later":{"a":[null,1e3]}');
    return list("{", choose(2) === 0 ? members : members.toReversed(), "}");
  };
  return blank() + write(value) + blank();
}

describe("descriptions", () => {
  let server: Server;
  let choices: Choices | undefined;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const operation = String(request.headers["x-amz-target"]).split(".").at(-1)!;
      request.resume().on("end", () => {
        const answer = ANSWERS[operation] ?? {};
        response.setHeader("content-type", "application/x-amz-json-1.0");
        response.end(choices === undefined ? JSON.stringify(answer) : written(answer, choices));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void server.close());

  async function told(): Promise<object> {
    const { port } = server.address() as AddressInfo;
    const config = testConfig({
      sync_mode: "all",
      "source.access_key_id": "a",
      "source.secret_access_key": "b",
      "source.region": "eu-central-1",
      "source.endpoint_url": `http://127.0.0.1:${port}`,
    });
    await using ctx = createContext({ config, patience: 2000 });
    await ctx.use(dynamodbScan, {}, true);
    await ctx.use(dynamodbStreams, {}, true);
    const tables = await ctx.role("source").tables(ctx.signal);
    const streams = ctx.role("streams");
    const opened = await streams.open(tables[0]!, ctx.signal);
    return { tables, opened, shards: await streams.shards(tables[0]!, ctx.signal) };
  }

  fuzz("descriptions of tables and streams in any writing", {
    inputs: fc.array(fc.nat(11), { minLength: 1, maxLength: 60 }),
    runs: 30,
    sees: ["right"],
    async check(input) {
      choices = undefined;
      const plain = await told();
      choices = input;
      expect(await told()).toEqual(plain);
      expect(plain).toMatchObject({ tables: [{ name: NAME }], opened: ARN, shards: [{}, {}] });
      return "right";
    },
  });
});
