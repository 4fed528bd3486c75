/** What differs between a table's secondary indexes at the source and at the target. */
import type { KeySchemaElement, Projection, TableDescription } from "@aws-sdk/client-dynamodb";
import type { IndexFault } from "../../../core/plugin/stored.ts";
import type { Table } from "../../../core/types.ts";
import { createRequest } from "./schema.ts";

/** An index as requests and descriptions have it. */
interface Index {
  IndexName?: string | undefined;
  KeySchema?: KeySchemaElement[] | undefined;
  Projection?: Projection | undefined;
}

/** The GSIs and LSIs that are missing, or of another key or projection; an index is known by its name. */
export function secondaryFaults(table: Table, found: TableDescription | undefined): IndexFault[] {
  const wanted = createRequest(table, { secondary: true, billing: "PAY_PER_REQUEST" });
  return [
    ...faults(wanted.GlobalSecondaryIndexes ?? [], found?.GlobalSecondaryIndexes ?? []),
    ...faults(wanted.LocalSecondaryIndexes ?? [], found?.LocalSecondaryIndexes ?? []),
  ];
}

function faults(wanted: Index[], there: Index[]): IndexFault[] {
  return wanted.flatMap((index) => {
    const found = there.find(({ IndexName }) => IndexName === index.IndexName);
    if (found !== undefined && inWords(found) === inWords(index)) return [];
    return [{ wanted: asTargetIndex(index), ...(found && { found: inWords(found) }) }];
  });
}

function asTargetIndex({ KeySchema = [] }: Index): IndexFault["wanted"] {
  const fields = inOrder(KeySchema).map(({ AttributeName, KeyType }) => ({
    path: AttributeName!,
    kind: KeyType === "HASH" ? ("hashed" as const) : ("ascending" as const),
  }));
  return { fields, unique: false, origin: "user" };
}

function inWords({ IndexName, KeySchema = [], Projection: projection = {} }: Index): string {
  const keys = inOrder(KeySchema).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
  const more = projection.NonKeyAttributes?.toSorted().join(", ");
  const attributes = more === undefined || more === "" ? "" : ` ${more}`;
  return `${IndexName} on ${keys.join(", ")} with ${projection.ProjectionType ?? "ALL"}${attributes}`;
}

/** Partition key first; each kind keeps its order. */
function inOrder(schema: KeySchemaElement[]): KeySchemaElement[] {
  return schema.toSorted((a, b) => Number(a.KeyType !== "HASH") - Number(b.KeyType !== "HASH"));
}
