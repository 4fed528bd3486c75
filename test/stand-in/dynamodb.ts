/** A source that serves tables from memory and can be told to misbehave. For what a real server can't do on demand. */
import {
  type Answer,
  type Call,
  failure,
  type Protocol,
  type ProtocolOptions,
  startProtocol,
  success,
} from "./protocol.ts";

export type { Call, Misbehaviour } from "./protocol.ts";

/** The service's limit of names in one ListTables answer. */
const NAMES_PER_PAGE = 100;

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

/** What {@link startStandIn} takes. */
export interface StandInOptions extends Pick<ProtocolOptions, "misbehave"> {
  tables?: Record<string, StandInTable>;
  /** Answers in their place; undefined: they do. */
  answer?: (call: Call) => Answer | undefined;
}

/** A running stand-in. */
export type StandIn = Protocol;

/** Starts one on a free port of 127.0.0.1. */
export function startStandIn({ tables = {}, answer, misbehave }: StandInOptions): Promise<StandIn> {
  return startProtocol({
    right: (call) => answer?.(call) ?? right(call.operation, call.body, tables),
    misbehave,
  });
}

/** What the service would say. */
function right(
  operation: string,
  body: Record<string, unknown>,
  tables: Record<string, StandInTable>,
): Answer {
  if (operation === "ListTables") return success(listTables(Object.keys(tables).sort(), body));
  if (operation === "BatchGetItem") return success(batchGet(tables, body));
  const name = String(body["TableName"]);
  const table = tables[name];
  if (table === undefined) return failure("ResourceNotFoundException");
  if (operation === "DescribeTable") return success({ Table: description(name, table) });
  if (operation === "Scan") return success(scan(table, body));
  return failure("UnknownOperationException");
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

/** The items of some keys. */
function batchGet(tables: Record<string, StandInTable>, body: Record<string, unknown>): object {
  const asked = Object.entries(body["RequestItems"] as Record<string, { Keys: StandInItem[] }>);
  const found = asked.map(([name, { Keys }]): [string, StandInItem[]] => {
    const table = tables[name]!;
    const wanted = new Set(Keys.map((key) => keyText(table, key)));
    return [name, table.items.filter((item) => wanted.has(keyText(table, item)))];
  });
  return { Responses: Object.fromEntries(found), UnprocessedKeys: {} };
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
