/**
 * A stand-in for DynamoDB with many tables of one item each and their streams, in a process of its own. `bun
 * bench/many-source.ts --tables=1000 --shards=1 --throttle` prints its address and ends when its standard input does.
 * GET /stats tells which calls came, POST /change?table=N makes a change in a table.
 */
import { parseArgs } from "node:util";
import { type ManyStats, PER_SECOND } from "./many-stats.ts";

/** Tables in one answer of ListTables. */
const PAGE_TABLES = 100;
/** Shards in one answer of DescribeStream. */
const PAGE_SHARDS = 100;
const SECOND = 1000;
const FIRST_NUMBER = 100_000_000_000n;

const { values: flags } = parseArgs({
  options: {
    tables: { type: "string", default: "1000" },
    /** Of each table. */
    shards: { type: "string", default: "1" },
    /** Refuses DescribeStream as the service does. */
    throttle: { type: "boolean", default: false },
  },
});
const tables = Number(flags.tables);
const shards = Number(flags.shards);

const names = Array.from({ length: tables }, (_, at) => `many-${String(at).padStart(5, "0")}`);
const indexOf = new Map(names.map((name, at) => [name, at]));
const arnOf = (name: string): string =>
  `arn:aws:dynamodb:us-east-1:000000000000:table/${name}/stream/2026-01-01T00:00:00.000`;
const nameIn = (arn: string): string => arn.split("/")[1]!;

/** The changes of a table's first shard, as records; the others stay empty. */
const changes: string[][] = names.map(() => []);
const followedAt = new Map<string, number>();
/** When each shard was asked last. */
const askedAt = new Map<string, number>();
const seconds = new Map<string, Map<number, number>>();
const stats: Omit<ManyStats, "followed" | "oldestMs"> = {
  firstRequestAt: 0,
  scannedAt: 0,
  followedAt: 0,
  calls: {},
  highest: {},
  refused: 0,
};

function count(operation: string): void {
  const now = Date.now();
  stats.firstRequestAt ||= now;
  stats.calls[operation] = (stats.calls[operation] ?? 0) + 1;
  const perSecond = seconds.get(operation) ?? new Map<number, number>();
  seconds.set(operation, perSecond);
  const second = Math.floor(now / SECOND);
  const sofar = (perSecond.get(second) ?? 0) + 1;
  perSecond.set(second, sofar);
  stats.highest[operation] = Math.max(stats.highest[operation] ?? 0, sofar);
}

/** The service's limit: what isn't used of one second may be used in the next. */
let tokens: number = PER_SECOND.DescribeStream;
let countedAt = performance.now();
function isTooMany(): boolean {
  const now = performance.now();
  const limit = PER_SECOND.DescribeStream;
  tokens = Math.min(limit, tokens + ((now - countedAt) / SECOND) * limit);
  countedAt = now;
  if (tokens < 1) return true;
  tokens--;
  return false;
}

const answer = (body: object, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/x-amz-json-1.0" } });

function describeTable(name: string): object {
  return {
    TableName: name,
    TableStatus: "ACTIVE",
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    ItemCount: 1,
    TableSizeBytes: 100,
    LatestStreamArn: arnOf(name),
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
  };
}

const shardId = (n: number): string => `shardId-${String(n).padStart(8, "0")}`;

function describeStream(arn: string, after: string | undefined): object {
  const from = after === undefined ? 0 : Number(after.slice("shardId-".length)) + 1;
  const to = Math.min(shards, from + PAGE_SHARDS);
  return {
    StreamArn: arn,
    StreamStatus: "ENABLED",
    Shards: Array.from({ length: to - from }, (_, n) => ({
      ShardId: shardId(from + n),
      SequenceNumberRange: { StartingSequenceNumber: String(FIRST_NUMBER) },
    })),
    ...(to < shards && { LastEvaluatedShardId: shardId(to - 1) }),
  };
}

interface Asked {
  TableName: string;
  ExclusiveStartTableName?: string;
  Segment?: number;
  StreamArn: string;
  ExclusiveStartShardId?: string;
  ShardId: string;
  ShardIteratorType: string;
  SequenceNumber?: string;
  ShardIterator: string;
  Limit?: number;
}

function shardIterator({ StreamArn, ShardId, ShardIteratorType: type, SequenceNumber }: Asked): object {
  const table = indexOf.get(nameIn(StreamArn))!;
  const at = SequenceNumber === undefined ? 0 : Number(BigInt(SequenceNumber) - FIRST_NUMBER);
  const there = ShardId === shardId(0) ? changes[table]!.length : 0;
  const from = { TRIM_HORIZON: 0, LATEST: there, AT_SEQUENCE_NUMBER: at, AFTER_SEQUENCE_NUMBER: at + 1 }[
    type
  ];
  return { ShardIterator: `${table} ${ShardId} ${from}` };
}

function getRecords({ ShardIterator, Limit = 1000 }: Asked): Response {
  const [table, shard, from] = ShardIterator.split(" ") as [string, string, string];
  askedAt.set(`${table} ${shard}`, Date.now());
  // What keeps positions while tables are copied reads one record at most.
  if (Limit > 1 && !followedAt.has(`${table} ${shard}`)) {
    stats.followedAt = Date.now();
    followedAt.set(`${table} ${shard}`, stats.followedAt);
  }
  const all = shard === shardId(0) ? changes[Number(table)]! : [];
  const some = all.slice(Number(from), Number(from) + Limit);
  const next = `${table} ${shard} ${Number(from) + some.length}`;
  return new Response(`{"Records":[${some.join(",")}],"NextShardIterator":"${next}"}`, {
    headers: { "content-type": "application/x-amz-json-1.0" },
  });
}

/** A new item in a table. */
function change(table: number): void {
  const all = changes[table]!;
  const Keys = { pk: { S: `change ${all.length}` } };
  all.push(
    JSON.stringify({
      eventID: `${table}-${all.length}`,
      eventName: "INSERT",
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / SECOND),
        Keys,
        NewImage: { ...Keys, n: { N: String(all.length) } },
        SequenceNumber: String(FIRST_NUMBER + BigInt(all.length)),
        SizeBytes: 50,
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    }),
  );
}

function call(operation: string, asked: Asked): Response {
  switch (operation) {
    case "ListTables": {
      const { ExclusiveStartTableName: after } = asked;
      const from = after === undefined ? 0 : indexOf.get(after)! + 1;
      const TableNames = names.slice(from, from + PAGE_TABLES);
      const isMore = from + PAGE_TABLES < tables;
      return answer({ TableNames, ...(isMore && { LastEvaluatedTableName: TableNames.at(-1) }) });
    }
    case "DescribeTable":
      return answer({ Table: describeTable(asked.TableName) });
    case "Scan": {
      stats.scannedAt = Date.now();
      const Items = asked.Segment ? [] : [{ pk: { S: "one" }, n: { N: "1" } }];
      return answer({ Items, Count: Items.length, ScannedCount: Items.length });
    }
    case "DescribeStream":
      if (flags.throttle && isTooMany()) {
        stats.refused++;
        return answer({ __type: "LimitExceededException", message: "Rate exceeded" }, 400);
      }
      return answer({ StreamDescription: describeStream(asked.StreamArn, asked.ExclusiveStartShardId) });
    case "GetShardIterator":
      return answer(shardIterator(asked));
    case "GetRecords":
      return getRecords(asked);
    default:
      return answer({ __type: "UnknownOperationException", message: operation }, 400);
  }
}

async function serve(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/stats") {
    const oldest = askedAt.values().reduce((one, other) => Math.min(one, other), Date.now());
    const oldestMs = Date.now() - oldest;
    return Response.json({ ...stats, followed: followedAt.size, oldestMs } satisfies ManyStats);
  }
  if (pathname === "/change") {
    change(Number(searchParams.get("table")));
    return new Response();
  }
  if (pathname === "/reset") {
    Object.assign(stats, {
      firstRequestAt: 0,
      scannedAt: 0,
      followedAt: 0,
      calls: {},
      highest: {},
      refused: 0,
    });
    followedAt.clear();
    askedAt.clear();
    seconds.clear();
    return new Response();
  }
  const operation = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
  count(operation);
  return call(operation, (await request.json()) as Asked);
}

process.on("SIGINT", () => {});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: serve });
console.log(server.url.origin);
for await (const _ of Bun.stdin.stream());
await server.stop(true);
