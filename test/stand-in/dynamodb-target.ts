/** A target that keeps tables in memory and can leave writes undone, for what a real server never does by itself. */
import {
  type Answer,
  type Call,
  failure,
  type Protocol,
  type ProtocolOptions,
  startProtocol,
  success,
} from "./protocol.ts";

type Item = Record<string, object>;

/** One entry of a BatchWriteItem. */
export interface WriteRequest {
  PutRequest?: { Item: Item };
  DeleteRequest?: { Key: Item };
}

/** What {@link startTarget} takes. */
export interface TargetOptions extends Pick<ProtocolOptions, "misbehave"> {
  /** The writes of one request that are given back undone, in this order. */
  undone?: (writes: WriteRequest[], call: Call) => WriteRequest[];
  /** Tables are made with these statuses, one a DescribeTable, before they are ACTIVE. */
  statuses?: string[];
  /** The service's words for a write it never takes. */
  refuse?: (write: WriteRequest, table: Table) => string | undefined;
}

/** A table as it was asked for, and its items. */
export interface Table {
  id: string;
  keys: string[];
  request: Record<string, unknown>;
  items: Map<string, Item>;
  statuses: string[];
}

/** A running target. */
export interface Target extends Protocol {
  tables: Map<string, Table>;
  /** A table's items in the order of their first puts. */
  items(table: string): Item[];
}

let ids = 0;

/** Starts one on a free port of 127.0.0.1. */
export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const tables = new Map<string, Table>();
  const protocol = await startProtocol({
    right: (call) => right(call, tables, options),
    misbehave: options.misbehave,
  });
  return { ...protocol, tables, items: (table) => [...(tables.get(table)?.items.values() ?? [])] };
}

function right(call: Call, tables: Map<string, Table>, options: TargetOptions): Answer {
  const { operation, body } = call;
  if (operation === "BatchWriteItem") return batchWrite(call, tables, options);
  if (operation === "BatchGetItem") return batchGet(call, tables);
  const name = String(body["TableName"]);
  const table = tables.get(name);
  if (operation === "CreateTable") {
    if (table !== undefined) return failure("ResourceInUseException");
    const keys = (body["KeySchema"] as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);
    const statuses = [...(options.statuses ?? [])];
    tables.set(name, { id: `target-${ids++}`, keys, request: body, items: new Map(), statuses });
    return success({ TableDescription: { TableName: name, TableStatus: "CREATING" } });
  }
  if (table === undefined) return failure("ResourceNotFoundException");
  if (operation === "DescribeTable") {
    const TableStatus = table.statuses.shift() ?? "ACTIVE";
    const gsi = (table.request["GlobalSecondaryIndexes"] as object[] | undefined) ?? [];
    const GlobalSecondaryIndexes = gsi.map((index) => ({ ...index, IndexStatus: TableStatus }));
    return success({ Table: { ...table.request, TableId: table.id, TableStatus, GlobalSecondaryIndexes } });
  }
  if (operation === "UpdateTable") return updateTable(table, body);
  if (operation === "DeleteTable") {
    tables.delete(name);
    return success({});
  }
  if (operation === "Scan") {
    const Items = Number(body["Segment"] ?? 0) === 0 ? [...table.items.values()] : [];
    return success({ Count: Items.length, ...(body["Select"] !== "COUNT" && { Items }) });
  }
  return failure("UnknownOperationException");
}

function batchGet({ body }: Call, tables: Map<string, Table>): Answer {
  const [[name, { Keys }]] = Object.entries(body["RequestItems"] as Record<string, { Keys: Item[] }>) as [
    [string, { Keys: Item[] }],
  ];
  const table = tables.get(name);
  if (table === undefined) return failure("ResourceNotFoundException");
  const found = Keys.map((key) => table.items.get(JSON.stringify(table.keys.map((part) => key[part]))));
  return success({
    Responses: { [name]: found.filter((item) => item !== undefined) },
    UnprocessedKeys: {},
  });
}

function updateTable({ request }: Table, body: Call["body"]): Answer {
  const updates = body["GlobalSecondaryIndexUpdates"] as Record<string, { IndexName: string }>[];
  const indexes = (request["GlobalSecondaryIndexes"] ?? []) as { IndexName: string }[];
  for (const { Create, Delete } of updates) {
    if (Create) indexes.push(Create);
    const at = Delete ? indexes.findIndex(({ IndexName }) => IndexName === Delete.IndexName) : undefined;
    if (at === -1) return failure("ResourceNotFoundException");
    if (at !== undefined) indexes.splice(at, 1);
  }
  request["GlobalSecondaryIndexes"] = indexes;
  return success({});
}

/** As the service: nothing is done of a request with more than 25 writes, with a key twice, or with a bad item. */
function batchWrite(call: Call, tables: Map<string, Table>, { undone, refuse }: TargetOptions): Answer {
  const [[name, writes]] = Object.entries(call.body["RequestItems"] as Record<string, WriteRequest[]>) as [
    [string, WriteRequest[]],
  ];
  const table = tables.get(name);
  if (table === undefined) return failure("ResourceNotFoundException");
  if (writes.length > 25) return failure("ValidationException", "Too many items requested");
  const keyOf = ({ PutRequest, DeleteRequest }: WriteRequest): string =>
    JSON.stringify(table.keys.map((key) => (PutRequest?.Item ?? DeleteRequest?.Key)?.[key]));
  if (new Set(writes.map(keyOf)).size < writes.length) {
    return failure("ValidationException", "Provided list of item keys contains duplicates");
  }
  const reason = writes.map((write) => refuse?.(write, table)).find((each) => each !== undefined);
  if (reason !== undefined) return failure("ValidationException", reason);
  const left = undone?.(writes, call) ?? [];
  for (const write of writes.filter((each) => !left.includes(each))) {
    if (write.PutRequest) table.items.set(keyOf(write), write.PutRequest.Item);
    else table.items.delete(keyOf(write));
  }
  return success({ UnprocessedItems: left.length > 0 ? { [name]: left } : {} });
}
