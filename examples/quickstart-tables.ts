/** The tables of the quickstart: their keys, indexes and items. */
import type { AttributeValue, CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

/** An item as DynamoDB sends it. */
export type Item = Record<string, AttributeValue>;

/** A table of the quickstart: all its keys are strings. */
export interface Table {
  name: string;
  count: number;
  /** The partition key, and the sort key if there is one. */
  keys: string[];
  /** The global secondary indexes: their names and keys. */
  indexes: Record<string, string[]>;
  /** The item with this number, from 0. */
  item(n: number): Item;
}

const STATUS = ["paid", "sent", "open", "back"];

/** An item with values of every DynamoDB type. */
export const EVERY_TYPE: Item = {
  id: { S: "every-type" },
  string: { S: "Grüße" },
  empty: { S: "" },
  int32: { N: "42" },
  int64: { N: "9007199254740993" },
  decimal: { N: "19.99" },
  digits38: { N: "12345678901234567890123456789012345678" },
  binary: { B: new Uint8Array([0, 1, 254, 255]) },
  bool: { BOOL: true },
  null: { NULL: true },
  map: { M: { city: { S: "Oslo" }, zip: { N: "150" } } },
  list: { L: [{ S: "a" }, { N: "1" }, { BOOL: false }] },
  strings: { SS: ["red", "blue"] },
  numbers: { NS: ["1", "2.5"] },
  binaries: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
  emptyMap: { M: {} },
  emptyList: { L: [] },
  "with.dot": { S: "kept" },
  $dollar: { S: "kept" },
};

/** What the quickstart migrates. */
export const TABLES: Table[] = [
  {
    name: "orders",
    keys: ["customerId", "orderId"],
    count: 50_000,
    indexes: { byStatus: ["status", "orderDate"], byProduct: ["product"] },
    item: (n) => ({
      customerId: { S: `customer-${n % 5000}` },
      orderId: { S: `order-${n}` },
      orderDate: { S: new Date(Date.UTC(2025, 0, 1) + n * 60_000).toISOString() },
      status: { S: STATUS[n % STATUS.length]! },
      product: { S: `product-${n % 300}` },
      price: { N: (n / 100).toFixed(2) },
      quantity: { N: String(1 + (n % 9)) },
      address: { M: { street: { S: `${n} Main Street` }, city: { S: "Springfield" } } },
      tags: { SS: ["new", `tag-${n % 10}`] },
    }),
  },
  {
    name: "users",
    keys: ["userId"],
    indexes: {},
    count: 1000,
    item: (n) => ({
      userId: { S: `user-${n}` },
      name: { S: `User ${n}` },
      age: { N: String(18 + (n % 60)) },
      active: { BOOL: n % 3 > 0 },
    }),
  },
  { name: "types", keys: ["id"], indexes: {}, count: 1, item: () => EVERY_TYPE },
];

/** What CreateTable is told. */
export function definition({ keys, indexes }: Table, TableName: string): CreateTableCommandInput {
  const schema = (attributes: string[]) =>
    attributes.map((AttributeName, i) => ({
      AttributeName,
      KeyType: i === 0 ? ("HASH" as const) : ("RANGE" as const),
    }));
  const attributes = new Set([...keys, ...Object.values(indexes).flat()]);
  const Projection = { ProjectionType: "ALL" as const };
  const secondary = Object.entries(indexes).map(([IndexName, attributes]) => ({
    IndexName,
    KeySchema: schema(attributes),
    Projection,
  }));
  return {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: schema(keys),
    AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    ...(secondary.length > 0 && { GlobalSecondaryIndexes: secondary }), // an empty list is refused
  };
}
