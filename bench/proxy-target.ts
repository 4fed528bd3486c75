/**
 * A DynamoDB-protocol target in a process of its own that counts what it is given and keeps nothing. `bun
 * bench/proxy-target.ts` prints its address and ends when its standard input does.
 */

/** What the target was given since it started or was asked last. */
export interface ProxyStats {
  items: number;
  requests: number;
  bytes: number;
  /** Connections that were opened for them, or something close: distinct ports of the client. */
  connections: number;
  cpuUs: number;
}

const PUT = Buffer.from('{"PutRequest":{"Item":{');
const tables = new Map<string, { made: number; items: number }>();
const ports = new Set<number>();
const total = { items: 0, requests: 0, bytes: 0, cpuBefore: process.cpuUsage() };

function answer(body: string, status = 200): Response {
  return new Response(body, { status, headers: { "content-type": "application/x-amz-json-1.0" } });
}

const refuse = (type: string): Response =>
  answer(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type }), 400);

function takeStats(): ProxyStats {
  const cpu = process.cpuUsage(total.cpuBefore);
  const { items, requests, bytes } = total;
  const connections = ports.size;
  ports.clear();
  Object.assign(total, { items: 0, requests: 0, bytes: 0, cpuBefore: process.cpuUsage() });
  return { items, requests, bytes, connections, cpuUs: cpu.user + cpu.system };
}

/** Counts the puts of a request for the only table there is. */
function take(body: Buffer): Response {
  const [table] = tables.values();
  if (table === undefined) return refuse("ResourceNotFoundException");
  let count = 0;
  for (let at = body.indexOf(PUT); at >= 0; at = body.indexOf(PUT, at + PUT.length)) count++;
  table.items += count;
  total.items += count;
  total.requests++;
  total.bytes += body.length;
  return answer('{"UnprocessedItems":{}}');
}

async function serve(request: Request, server: Bun.Server<undefined>): Promise<Response> {
  if (request.method === "GET") return Response.json(takeStats());
  ports.add(server.requestIP(request)?.port ?? 0);
  const action = request.headers.get("x-amz-target")?.split(".")[1];
  const bytes = Buffer.from(await request.arrayBuffer());
  if (action === "BatchWriteItem") return take(bytes);
  const body = JSON.parse(bytes.toString()) as { TableName: string; Segment?: number };
  const { TableName } = body;
  if (action === "CreateTable") tables.set(TableName, { made: Date.now(), items: 0 });
  const table = tables.get(TableName);
  if (table === undefined) return refuse("ResourceNotFoundException");
  if (action === "DeleteTable") tables.delete(TableName);
  if (action === "Scan") {
    const Count = (body.Segment ?? 0) === 0 ? table.items : 0;
    return answer(JSON.stringify({ Count, ScannedCount: Count }));
  }
  const Table = { TableName, TableStatus: "ACTIVE", CreationDateTime: table.made / 1000 };
  return answer(JSON.stringify({ Table, TableDescription: Table }));
}

// a terminal's Ctrl-C reaches this process too; it ends with its parent, after the tool
process.on("SIGINT", () => {});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: serve });
console.log(server.url.origin);
for await (const _ of Bun.stdin.stream());
await server.stop(true);
