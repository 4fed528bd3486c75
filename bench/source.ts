/**
 * A stand-in for DynamoDB in a process of its own: ListTables, DescribeTable, Scan and BatchGetItem over one table of orders,
 * served from memory at far less CPU than any reader needs. `bun bench/source.ts --items=300000 [--gsi=1] [--shape=large]
 * [--latency=10]` prints its address and ends when its standard input does, so that it can't outlive the benchmark.
 */
import { parseArgs } from "node:util";
import {
  cut,
  INDEXES,
  indexOf,
  jsonBlock,
  keyOf,
  KEYS,
  MAX_ITEMS,
  type Shape,
  sizeOf,
  TABLE,
} from "./orders.ts";

/** A Scan page ends at 1 MB; DynamoDB counts attribute sizes, here it is the JSON. */
const PAGE_BYTES = 1024 * 1024;
/** Pages are kept up to this much, so that a table of 300,000 items, or of 60,000 large ones, costs nothing but sending after the warm-up. */
const CACHE_BYTES = 768 * PAGE_BYTES;

interface ScanRequest {
  Limit?: number;
  Segment?: number;
  TotalSegments?: number;
  ExclusiveStartKey?: { sk?: { N?: string } };
  ReturnConsumedCapacity?: string;
}

/** What the source saw; `GET /stats` answers it and starts anew. */
export interface SourceStats {
  /** Milliseconds since 1970; 0: nothing was asked. */
  firstRequestAt: number;
  scans: number;
  /** From the request for a page to its answer's leaving, in the mean; undefined: nothing was asked. */
  answerMs?: number;
  /** From a page's answer to the request for the next one of its segment, in the mean; undefined: there was none. */
  gapMs?: number;
  cpuUs: number;
}

const { values: flags } = parseArgs({
  options: {
    items: { type: "string", default: "300000" },
    gsi: { type: "string", default: "0" },
    shape: { type: "string", default: "medium" },
    latency: { type: "string", default: "0" },
  },
});
const items = Math.min(Number(flags.items), MAX_ITEMS);
const indexes = INDEXES.slice(0, Number(flags.gsi));
const orders = jsonBlock(flags.shape as Shape);
/** An answer leaves so long after its request came, in ms. */
const latency = Number(flags.latency);
const pages = new Map<string, Buffer>();
let cached = 0;
const stats = { firstRequestAt: 0, cpuBefore: process.cpuUsage() };
/** When the last answer of a segment left, by `performance.now()`. */
const answeredAt = new Map<number, number>();
/** Sums in ms, of so many. */
const answers = { ms: 0, count: 0 };
const gaps = { ms: 0, count: 0 };

function takeStats(): SourceStats {
  const cpu = process.cpuUsage(stats.cpuBefore);
  const taken = {
    firstRequestAt: stats.firstRequestAt,
    scans: answers.count,
    ...(answers.count > 0 && { answerMs: answers.ms / answers.count }),
    ...(gaps.count > 0 && { gapMs: gaps.ms / gaps.count }),
    cpuUs: cpu.user + cpu.system,
  };
  Object.assign(stats, { firstRequestAt: 0, cpuBefore: process.cpuUsage() });
  for (const sum of [answers, gaps]) Object.assign(sum, { ms: 0, count: 0 });
  answeredAt.clear();
  return taken;
}

function answer(body: Buffer | object, status = 200): Response {
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": crypto.randomUUID() };
  return new Response(Buffer.isBuffer(body) ? body : JSON.stringify(body), { status, headers });
}

const refuse = (type: string, message: string): Response =>
  answer({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }, 400);

function describe(): object {
  const all = [KEYS, ...indexes];
  const names = [...new Set(all.flatMap((keys) => [keys.partition, keys.sort]))];
  const schema = (keys: typeof KEYS): object[] => [
    { AttributeName: keys.partition, KeyType: "HASH" },
    { AttributeName: keys.sort, KeyType: "RANGE" },
  ];
  const secondary = indexes.map((keys) => ({
    IndexName: `by-${keys.partition}`,
    KeySchema: schema(keys),
    Projection: { ProjectionType: "ALL" },
    IndexStatus: "ACTIVE",
  }));
  return {
    TableName: TABLE,
    TableStatus: "ACTIVE",
    TableArn: `arn:aws:dynamodb:us-east-1:000000000000:table/${TABLE}`,
    CreationDateTime: 1_700_000_000,
    KeySchema: schema(KEYS),
    AttributeDefinitions: names.map((name) => ({
      AttributeName: name,
      AttributeType: name === "sk" ? "N" : "S",
    })),
    BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
    ItemCount: items,
    TableSizeBytes: Math.round((orders.bytes.length / orders.bodies) * items),
    ...(secondary.length > 0 ? { GlobalSecondaryIndexes: secondary } : {}),
  };
}

function scan(request: ScanRequest): Response {
  const { Segment: segment = 0, TotalSegments: segments = 1 } = request;
  const end = Math.floor(((segment + 1) * items) / segments);
  const start = request.ExclusiveStartKey
    ? indexOf(request.ExclusiveStartKey) + 1
    : Math.floor((segment * items) / segments);
  if (!(segment < segments && start >= 0 && start <= end))
    return refuse("ValidationException", "The provided starting key is invalid");
  const last = Math.min(end, start + (request.Limit ?? Infinity));
  let stop = start;
  for (let bytes = 0; stop < last; stop++) {
    bytes += sizeOf(orders, stop);
    if (bytes > PAGE_BYTES) break;
  }
  const capacity = (request.ReturnConsumedCapacity ?? "NONE") !== "NONE";
  return answer(pageOf(start, stop, stop < end, capacity));
}

/** The body of one Scan answer. */
function pageOf(start: number, stop: number, more: boolean, capacity: boolean): Buffer {
  const name = `${start} ${stop} ${more} ${capacity}`;
  const known = pages.get(name);
  if (known) return known;
  const found = cut(orders, start, stop).bytes;
  const tail = JSON.stringify({
    Count: stop - start,
    ScannedCount: stop - start,
    ...(more ? { LastEvaluatedKey: keyOf(stop - 1) } : {}),
    // eventually consistent reads: half a unit for each 4 KB
    ...(capacity
      ? { ConsumedCapacity: { TableName: TABLE, CapacityUnits: Math.ceil(found.length / 4096) / 2 } }
      : {}),
  });
  // every item brings the comma behind it; the last one is cut off
  const page = Buffer.concat([
    Buffer.from('{"Items":['),
    found.subarray(0, -1),
    Buffer.from(`],${tail.slice(1)}`),
  ]);
  if (cached + page.length <= CACHE_BYTES) {
    pages.set(name, page);
    cached += page.length;
  }
  return page;
}

interface BatchGetRequest {
  RequestItems: Record<string, { Keys: { pk?: { S?: string }; sk?: { N?: string } }[] } | undefined>;
}

function batchGet({ RequestItems }: BatchGetRequest): Response {
  const found = (RequestItems[TABLE]?.Keys ?? []).flatMap((key) => {
    const index = indexOf(key);
    const isThere = index >= 0 && index < items && Bun.deepEquals(keyOf(index)["pk"], key.pk);
    return isThere
      ? [
          cut(orders, index, index + 1)
            .bytes.subarray(0, -1)
            .toString(),
        ]
      : [];
  });
  return answer(Buffer.from(`{"Responses":{"${TABLE}":[${found.join()}]},"UnprocessedKeys":{}}`));
}

type Asked = ScanRequest & BatchGetRequest & { TableName?: string };

async function serve(request: Request): Promise<Response> {
  if (request.method === "GET") return Response.json(takeStats());
  stats.firstRequestAt ||= Date.now();
  const askedAt = performance.now();
  const action = request.headers.get("x-amz-target")?.split(".")[1];
  const asked = (await request.json()) as Asked;
  const response = called(action, asked);
  if (latency > 0) await Bun.sleep(askedAt + latency - performance.now());
  if (action === "Scan") noteScan(asked, askedAt);
  return response;
}

/** @param askedAt when its request came, by `performance.now()` */
function noteScan({ Segment: segment = 0, ExclusiveStartKey: from }: ScanRequest, askedAt: number): void {
  const now = performance.now();
  answers.ms += now - askedAt;
  answers.count++;
  const before = answeredAt.get(segment);
  answeredAt.set(segment, now);
  if (from === undefined || before === undefined) return;
  gaps.ms += askedAt - before;
  gaps.count++;
}

function called(action: string | undefined, asked: Asked): Response {
  if (action === "BatchGetItem") return batchGet(asked);
  if (action === "ListTables") return answer({ TableNames: [TABLE] });
  if (asked.TableName !== TABLE) return refuse("ResourceNotFoundException", "Requested resource not found");
  if (action === "DescribeTable") return answer({ Table: describe() });
  if (action === "DescribeTimeToLive")
    return answer({ TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } });
  if (action === "Scan") return scan(asked);
  return refuse("UnknownOperationException", `${action} is not served here`);
}

// a terminal's Ctrl-C reaches this process too; it ends with its parent, after the tool
process.on("SIGINT", () => {});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: serve });
console.log(server.url.origin);
for await (const _ of Bun.stdin.stream());
await server.stop(true);
