/**
 * A source that speaks DynamoDB's JSON protocol from memory and can be told to misbehave: throttle, refuse, cut
 * connections, be slow, send garbage, page oddly. For what DynamoDB Local can't do.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The service's limit of names in one ListTables answer. */
const NAMES_PER_PAGE = 100;
const NAMESPACE = "com.amazonaws.dynamodb.v20120810#";

/** Items as the service sends them: `{ "pk": { "S": "x" } }`. */
export type StandInItem = Record<string, object>;

/** A table the stand-in serves. */
export interface StandInTable {
  /** Name and type of the key's attributes, partition key first. Default: `pk` of type S. */
  keys?: [name: string, type: "S" | "N" | "B"][];
  /** The service's identifier of the table. Default: made of its name. */
  id?: string;
  items: StandInItem[];
}

/** A request as it came in. */
export interface Call {
  /** Such as `Scan`. */
  operation: string;
  /** Which call of this operation it is, from 1. */
  number: number;
  body: Record<string, unknown>;
  /** When it came, in ms since 1970. */
  at: number;
}

/** How one call is answered, where not as the service would. */
export type Misbehaviour =
  /** An error of the service. */
  | { error: string; message?: string; status?: number }
  /** These bytes, whatever they are. */
  | { text: string; status?: number }
  /** This object as JSON. */
  | { result: object }
  /** The right answer, but that late. */
  | { delayMs: number }
  /** Half of the right answer, then the connection is gone. */
  | "cut"
  /** No answer at all: the connection is closed. */
  | "hang up";

/** What {@link startStandIn} takes. */
export interface StandInOptions {
  tables?: Record<string, StandInTable>;
  /** Asked before every answer; undefined: answer as the service would. */
  misbehave?: (call: Call) => Misbehaviour | undefined;
}

/** A running stand-in. */
export interface StandIn extends AsyncDisposable {
  endpoint: string;
  /** Every call so far, in the order of arrival. */
  calls: Call[];
  /** How often an operation was called. */
  count(operation: string): number;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startStandIn({ tables = {}, misbehave }: StandInOptions): Promise<StandIn> {
  const calls: Call[] = [];
  const count = (operation: string): number => calls.filter((call) => call.operation === operation).length;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    let text = "";
    for await (const part of request) text += String(part);
    const body = JSON.parse(text || "{}") as Record<string, unknown>;
    const call = { operation, number: count(operation) + 1, body, at: Date.now() };
    calls.push(call);

    const wrong = misbehave?.(call);
    if (wrong === "hang up") return void request.socket.destroy();
    if (wrong !== undefined && wrong !== "cut") {
      if ("error" in wrong) return send(response, wrong.status ?? 400, errorText(wrong.error, wrong.message));
      if ("text" in wrong) return send(response, wrong.status ?? 200, wrong.text);
      if ("result" in wrong) return send(response, 200, JSON.stringify(wrong.result));
      await sleep(wrong.delayMs);
    }
    const answer = right(operation, body, tables);
    if (wrong === "cut") {
      const whole = Buffer.from(answer.text);
      response.writeHead(200, {
        "content-type": "application/x-amz-json-1.0",
        "content-length": whole.length,
      });
      response.write(whole.subarray(0, whole.length >> 1), () => request.socket.destroy());
      return;
    }
    send(response, answer.status, answer.text);
  }

  const server = createServer((request, response) => {
    // a client that gave up waiting is no failure of ours
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function errorText(name: string, message = `${name}, says the stand-in`): string {
  return JSON.stringify({ __type: NAMESPACE + name, message });
}

interface Answer {
  status: number;
  text: string;
}

/** What the service would say. */
function right(
  operation: string,
  body: Record<string, unknown>,
  tables: Record<string, StandInTable>,
): Answer {
  const ok = (result: object): Answer => ({ status: 200, text: JSON.stringify(result) });
  const fail = (name: string): Answer => ({ status: 400, text: errorText(name) });
  if (operation === "ListTables") return ok(listTables(Object.keys(tables).sort(), body));
  const name = String(body["TableName"]);
  const table = tables[name];
  if (table === undefined) return fail("ResourceNotFoundException");
  if (operation === "DescribeTable") return ok({ Table: description(name, table) });
  if (operation === "Scan") return ok(scan(table, body));
  return fail("UnknownOperationException");
}

function listTables(names: string[], body: Record<string, unknown>): object {
  const after = body["ExclusiveStartTableName"] as string | undefined;
  const from = after === undefined ? 0 : names.findIndex((name) => name > after);
  const page = from < 0 ? [] : names.slice(from, from + Number(body["Limit"] ?? NAMES_PER_PAGE));
  const last = page.at(-1);
  return { TableNames: page, ...(last !== names.at(-1) && { LastEvaluatedTableName: last }) };
}

function keysOf(table: StandInTable): [name: string, type: string][] {
  return table.keys ?? [["pk", "S"]];
}

function description(name: string, table: StandInTable): object {
  const keys = keysOf(table);
  return {
    TableName: name,
    TableId: table.id ?? `id-of-${name}`,
    TableStatus: "ACTIVE",
    AttributeDefinitions: keys.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: keys.map(([AttributeName], i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
    ItemCount: table.items.length,
    TableSizeBytes: JSON.stringify(table.items).length,
  };
}

/** A page of the segment's items; every item belongs to one segment, in the order given. */
function scan(table: StandInTable, body: Record<string, unknown>): object {
  const { items, places } = segmentOf(
    table,
    Number(body["TotalSegments"] ?? 1),
    Number(body["Segment"] ?? 0),
  );
  const after = body["ExclusiveStartKey"] as StandInItem | undefined;
  const from = after === undefined ? 0 : (places.get(keyText(table, after)) ?? -1) + 1;
  const to = Math.min(items.length, from + Number(body["Limit"] ?? items.length));
  const last = items[to - 1];
  const page = items.slice(from, to);
  const asked = body["ReturnConsumedCapacity"] === "TOTAL";
  return {
    ...(asked && { ConsumedCapacity: { TableName: body["TableName"], CapacityUnits: unitsOf(page, body) } }),
    Items: page,
    Count: to - from,
    ScannedCount: to - from,
    ...(last !== undefined && to < items.length && { LastEvaluatedKey: keyOf(table, last) }),
  };
}

/** What a page costs: half a unit per 4 KB, a whole one with consistent reads; by the JSON's size. */
function unitsOf(items: StandInItem[], body: Record<string, unknown>): number {
  const bytes = JSON.stringify(items).length;
  return Math.max(1, Math.ceil(bytes / 4096)) * (body["ConsistentRead"] === true ? 1 : 0.5);
}

/** A segment's items, and the place of each by its key. */
interface Segment {
  items: StandInItem[];
  places: Map<string, number>;
}

/** Made once: a table doesn't change. */
const segments = new WeakMap<StandInTable, Map<string, Segment>>();

function segmentOf(table: StandInTable, count: number, segment: number): Segment {
  const known = segments.get(table) ?? new Map<string, Segment>();
  segments.set(table, known);
  const name = `${segment}/${count}`;
  let found = known.get(name);
  if (found === undefined) {
    const items = table.items.filter((_, i) => i % count === segment);
    found = { items, places: new Map(items.map((item, i) => [keyText(table, item), i])) };
    known.set(name, found);
  }
  return found;
}

/** The key's attributes of an item. */
function keyOf(table: StandInTable, item: StandInItem): StandInItem {
  return Object.fromEntries(keysOf(table).map(([name]) => [name, item[name]!]));
}

function keyText(table: StandInTable, item: StandInItem): string {
  return JSON.stringify(keysOf(table).map(([name]) => item[name]));
}
