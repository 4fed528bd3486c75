/** Changes as requests to a DynamoDB server. */
import { type Attributes, dynamo } from "../e2e/helpers.ts";
import type { Change, Request, TableShape } from "./changes.ts";

/** What one BatchWriteItem takes. */
const BATCH = 25;

/** Makes the changes of a request, and resolves when all are made. */
export async function makeChanges(endpoint: string, { how, changes }: Request): Promise<void> {
  if (how === "transaction") {
    await dynamo(endpoint, "TransactWriteItems", { TransactItems: changes.map(inTransaction) });
  } else if (how === "batch") {
    const byTable = Map.groupBy(changes, ({ table }) => table.name);
    await writeBatch(endpoint, Object.fromEntries([...byTable].map(([name, of]) => [name, of.map(inBatch)])));
  } else {
    for (const change of changes) {
      const operation = { put: "PutItem", update: "UpdateItem", delete: "DeleteItem" }[change.do];
      await dynamo(endpoint, operation, alone(change));
    }
  }
}

/** Puts items into a table. */
export async function putItems(endpoint: string, { name }: TableShape, items: Attributes[]): Promise<void> {
  for (let i = 0; i < items.length; i += BATCH) {
    const puts = items.slice(i, i + BATCH).map((Item) => ({ PutRequest: { Item } }));
    await writeBatch(endpoint, { [name]: puts });
  }
}

async function writeBatch(endpoint: string, requests: Record<string, object[]>): Promise<void> {
  let left = requests;
  while (Object.keys(left).length > 0) {
    const answer = await dynamo(endpoint, "BatchWriteItem", { RequestItems: left });
    left = (answer["UnprocessedItems"] ?? {}) as Record<string, object[]>;
  }
}

function inBatch(change: Change): object {
  if (change.do === "put") return { PutRequest: { Item: change.item } };
  if (change.do === "delete") return { DeleteRequest: { Key: change.key } };
  throw new Error("a batch takes no updates");
}

function inTransaction(change: Change): object {
  const kind = { put: "Put", update: "Update", delete: "Delete" }[change.do];
  return { [kind]: alone(change) };
}

function alone(change: Change): object {
  const TableName = change.table.name;
  if (change.do === "put") return { TableName, Item: change.item };
  if (change.do === "delete") return { TableName, Key: change.key };
  const { key, set, remove } = change;
  const sets = Object.entries(set);
  const removes = remove.map((_, i) => `#r${i}`);
  return {
    TableName,
    Key: key,
    UpdateExpression: [
      `SET ${sets.map((_, i) => `#s${i} = :s${i}`).join(", ")}`,
      ...(removes.length > 0 ? [`REMOVE ${removes.join(", ")}`] : []),
    ].join(" "),
    ExpressionAttributeNames: Object.fromEntries([
      ...sets.map(([name], i) => [`#s${i}`, name]),
      ...remove.map((name, i) => [`#r${i}`, name]),
    ]) as object,
    ExpressionAttributeValues: Object.fromEntries(sets.map(([, value], i) => [`:s${i}`, value])) as object,
  };
}
