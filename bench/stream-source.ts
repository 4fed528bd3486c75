/**
 * A stand-in for DynamoDB and its streams in a process of its own: one table of orders whose changes are served from
 * memory. `bun bench/stream-source.ts --records=100000 --shards=4 [--idle=1000] [--shape=large] [--mix=1]` prints its address and ends
 * when its standard input does. GET /stats gives when the first request came and the first record was served, and starts anew.
 */
import { parseArgs } from "node:util";
import { changeAt, imageOf } from "./changes.ts";
import { jsonBlock, keyOf, KEYS, type Shape, TABLE } from "./orders.ts";

/** The service's limits of one answer. */
const PAGE_RECORDS = 1000;
const PAGE_BYTES = 1024 * 1024;
const STREAM = `arn:aws:dynamodb:us-east-1:000000000000:table/${TABLE}/stream/1`;

const { values: flags } = parseArgs({
  options: {
    records: { type: "string", default: "100000" },
    shards: { type: "string", default: "4" },
    /** Shards that stay empty beside them. */
    idle: { type: "string", default: "0" },
    shape: { type: "string", default: "medium" },
    /** 1: some modify and remove. */
    mix: { type: "string", default: "0" },
  },
});
const records = Number(flags.records);
const busy = Number(flags.shards);
const shards = busy + Number(flags.idle);
const orders = jsonBlock(flags.shape as Shape);

/** What the source saw; times in ms since 1970, 0: it didn't happen. */
export interface StreamStats {
  firstRequestAt: number;
  /** When the first answer with records left. */
  firstRecordAt: number;
  getRecords: number;
  cpuUs: number;
}
const NOTHING = { firstRequestAt: 0, firstRecordAt: 0, getRecords: 0 };
const stats = { ...NOTHING, cpuBefore: process.cpuUsage() };

function takeStats(): StreamStats {
  const { cpuBefore, ...seen } = stats;
  const cpu = process.cpuUsage(cpuBefore);
  Object.assign(stats, NOTHING, { cpuBefore: process.cpuUsage() });
  return { ...seen, cpuUs: cpu.user + cpu.system };
}

const now = Math.floor(Date.now() / 1000);

/** A shard's records as JSON, each made once. */
const made: Buffer[][] = Array.from({ length: shards }, () => []);
for (let at = 0; at < records; at++) {
  const { event, item } = changeAt(at, flags.mix === "1");
  const image = (name: string, as: "INSERT" | "MODIFY"): string =>
    `"${name}":${imageOf(orders, { event: as, item }).toString().replace(/,$/, "")},`;
  const after = event === "REMOVE" ? "" : image("NewImage", event);
  const before = event === "INSERT" ? "" : image("OldImage", "INSERT");
  const text =
    `{"awsRegion":"us-east-1","dynamodb":{"ApproximateCreationDateTime":${now},"Keys":${JSON.stringify(keyOf(item))},` +
    `${after}${before}"SequenceNumber":"${100_000_000_000 + at}","SizeBytes":${after.length + before.length},` +
    `"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventID":"${at}","eventName":"${event}","eventSource":"aws:dynamodb",` +
    `"eventVersion":"1.1"}`;
  made[item % busy]!.push(Buffer.from(text));
}

const answer = (body: Uint8Array | string, status = 200): Response =>
  new Response(body, { status, headers: { "content-type": "application/x-amz-json-1.0" } });

const pages = new Map<string, { body: Buffer; next: number }>();

function getRecords(iterator: string, limit: number): Response {
  const [shard, from] = iterator.split(" ").map(Number) as [number, number];
  stats.getRecords++;
  const name = `${iterator} ${limit}`;
  let page = pages.get(name);
  if (page === undefined) {
    const all = made[shard]!;
    let next = from;
    for (let bytes = 0; next < all.length && next - from < Math.min(limit, PAGE_RECORDS); next++) {
      bytes += all[next]!.length;
      if (bytes > PAGE_BYTES) break;
    }
    const parts = all
      .slice(from, next)
      .flatMap((record, i) => (i === 0 ? [record] : [Buffer.from(","), record]));
    const tail = `],"NextShardIterator":"${shard} ${next}"}`;
    page = { body: Buffer.concat([Buffer.from('{"Records":['), ...parts, Buffer.from(tail)]), next };
    if (next > from) pages.set(name, page);
  }
  if (page.next > from) {
    stats.firstRecordAt ||= Date.now();
  }
  return answer(page.body);
}

function describeTable(): object {
  return {
    TableName: TABLE,
    TableStatus: "ACTIVE",
    KeySchema: [
      { AttributeName: KEYS.partition, KeyType: "HASH" },
      { AttributeName: KEYS.sort, KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: KEYS.partition, AttributeType: "S" },
      { AttributeName: KEYS.sort, AttributeType: "N" },
    ],
    ItemCount: 0,
    TableSizeBytes: 0,
    LatestStreamArn: STREAM,
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
  };
}

const describeStream = (): object => ({
  StreamArn: STREAM,
  StreamStatus: "ENABLED",
  Shards: Array.from({ length: shards }, (_, n) => ({
    ShardId: `shardId-${String(n).padStart(8, "0")}`,
    SequenceNumberRange: { StartingSequenceNumber: "100000000000" },
  })),
});

async function serve(request: Request): Promise<Response> {
  if (request.method === "GET") return Response.json(takeStats());
  stats.firstRequestAt ||= Date.now();
  const action = request.headers.get("x-amz-target")?.split(".")[1];
  const body = (await request.json()) as { ShardId: string; ShardIterator: string; Limit?: number };
  switch (action) {
    case "ListTables":
      return answer(JSON.stringify({ TableNames: [TABLE] }));
    case "DescribeTable":
      return answer(JSON.stringify({ Table: describeTable() }));
    case "DescribeStream":
      return answer(JSON.stringify({ StreamDescription: describeStream() }));
    case "GetShardIterator":
      // the newest is the first: all records are made right after it was taken
      return answer(JSON.stringify({ ShardIterator: `${Number(body.ShardId.slice(8))} 0` }));
    case "Scan":
      return answer('{"Items":[],"Count":0,"ScannedCount":0}');
    case "GetRecords":
      return getRecords(body.ShardIterator, body.Limit ?? PAGE_RECORDS);
    default:
      return answer(JSON.stringify({ __type: "UnknownOperationException" }), 400);
  }
}

process.on("SIGINT", () => {});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: serve });
console.log(server.url.origin);
for await (const _ of Bun.stdin.stream());
await server.stop(true);
