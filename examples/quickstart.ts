/**
 * A whole migration on this machine, in well under a minute: `bun run quickstart`.
 *
 *   1. Servers    DynamoDB Local and mongod, on free ports. What is installed is used; anything else is fetched once,
 *                 into your cache folder. To use running ones, set NIMO_TEST_DYNAMODB=http://… and
 *                 NIMO_TEST_MONGODB=mongodb://…
 *   2. Tables     orders (50,000 items, sort key, two global secondary indexes), users, and types: one item with values
 *                 of every DynamoDB type.
 *   3. Migration  the real command line with a short nimo-shake.conf, as you would run it.
 *   4. Result     the counts on both sides, and the indexes.
 *   5. Values     what became of every value of that one item.
 *
 * At the end, all that was started or created is gone, in servers of your own too. The exit code is 0 if every table
 * arrived whole.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue, CreateTableCommandInput, WriteRequest } from "@aws-sdk/client-dynamodb";
import { Binary, Decimal128, Double, Int32, Long, MongoClient } from "mongodb";
import { maskText } from "../core/mask.ts";
import { ownTempFolder } from "../test/servers/process.ts";
import { sharedServers, stopSharedServers } from "../test/servers/shared.ts";

type Item = Record<string, AttributeValue>;

interface Table {
  name: string;
  count: number;
  keys: string[];
  indexes: Record<string, string[]>;
  item(n: number): Item;
}

// In servers of your own, nothing of yours may be hit: the names are unique, and removed at the end.
const run = Date.now().toString(36);
const prefix = process.env.NIMO_TEST_DYNAMODB ? `nimo_quickstart_${run}_` : "";
const database = process.env.NIMO_TEST_MONGODB ? `nimo-shake-quickstart-${run}` : "nimo-shake-quickstart";

const STATUS = ["paid", "sent", "open", "back"];
const NUMBERS = [
  [Int32, "int"],
  [Long, "long"],
  [Double, "double"],
  [Decimal128, "decimal"],
] as const;
const EVERY_TYPE: Item = {
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

const TABLES: Table[] = [
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

let dynamodb: DynamoDBClient;
let mongodb: MongoClient;

// What was opened is closed in reverse order, however the run ends.
const cleanup = new AsyncDisposableStack();
process.once("SIGINT", () => void close().finally(() => process.exit(130)));
process.once("SIGTERM", () => void close().finally(() => process.exit(143)));
process.exitCode = 1;
try {
  if (await quickstart()) process.exitCode = 0;
} catch (error) {
  if (!cleanup.disposed) complain(error); // after a signal everything is being closed under its feet: that is no news
}
await close();

function close(): Promise<void> {
  return cleanup.disposeAsync().catch((error) => {
    complain(error instanceof SuppressedError ? error.error : error);
    process.exitCode = 1;
  });
}

function complain(error: unknown): void {
  console.error(`\nerror: ${maskText(error instanceof Error ? error.message : String(error))}`);
}

async function quickstart(): Promise<boolean> {
  const start = performance.now();
  console.log("nimo-shake quickstart: from DynamoDB to MongoDB on this machine\n\n1. Servers");
  cleanup.defer(stopSharedServers);
  const { dynamoEndpoint, mongoUri } = await sharedServers();
  console.log(`   DynamoDB  ${maskText(dynamoEndpoint)}${process.env.NIMO_TEST_DYNAMODB ? "  (yours)" : ""}`);
  console.log(`   MongoDB   ${maskText(mongoUri)}${process.env.NIMO_TEST_MONGODB ? "  (yours)" : ""}`);
  const credentials = { accessKeyId: "quickstart", secretAccessKey: "quickstart" };
  dynamodb = new DynamoDBClient({ endpoint: dynamoEndpoint, region: "us-east-1", credentials });
  cleanup.defer(() => dynamodb.destroy());
  mongodb = new MongoClient(mongoUri, { serverSelectionTimeoutMS: 10_000 });
  cleanup.defer(() => mongodb.close());
  await mongodb.connect();

  console.log("\n2. Tables");
  for (const table of TABLES) await load(table);

  console.log("\n3. Migration");
  for (const suffix of ["", "-checkpoint", "-checkpoint-state"]) {
    cleanup.defer(async () => void (await mongodb.db(database + suffix).dropDatabase()));
  }
  const code = await migrate(dynamoEndpoint, mongoUri);
  if (code !== 0) throw new Error(`nimo-shake ended with exit code ${code}`);

  console.log("\n4. Result");
  const same = await showResult();

  console.log("\n5. Values");
  await showValues();
  console.log(
    `\n${same ? "Done" : "The counts differ"}, after ${((performance.now() - start) / 1000).toFixed(1)} s.`,
  );
  return same;
}

async function load(table: Table): Promise<void> {
  const TableName = prefix + table.name;
  await dynamodb.send(new CreateTableCommand(describe(table)));
  cleanup.defer(
    async () =>
      void (process.env.NIMO_TEST_DYNAMODB && (await dynamodb.send(new DeleteTableCommand({ TableName })))),
  );

  let next = 0;
  const writer = async () => {
    while (next < table.count) {
      const from = next;
      next = Math.min(next + 25, table.count); // BatchWriteItem takes 25
      let requests: WriteRequest[] = Array.from({ length: next - from }, (_, i) => ({
        PutRequest: { Item: table.item(from + i) },
      }));
      while (requests.length > 0) {
        const answer = await dynamodb.send(
          new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }),
        );
        requests = answer.UnprocessedItems?.[TableName] ?? [];
      }
      if (process.stdout.isTTY)
        process.stdout.write(`\r   ${table.name.padEnd(8)}${grouped(next).padStart(6)}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
  const indexes = Object.entries(table.indexes).map(([name, keys]) => `, index ${name} (${keys.join(", ")})`);
  const start = process.stdout.isTTY ? "\r   " : "   ";
  console.log(
    `${start}${table.name.padEnd(8)}${grouped(table.count).padStart(6)}  key (${table.keys.join(", ")})${indexes.join("")}`,
  );
}

function describe({ name, keys, indexes }: Table): CreateTableCommandInput {
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
    TableName: prefix + name,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: schema(keys),
    AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    ...(secondary.length > 0 && { GlobalSecondaryIndexes: secondary }), // an empty list is refused
  };
}

/**
 * Runs the command line as a user would, and gives its exit code. The large pages are for DynamoDB Local, where a page
 * costs the more the more items are left in the table.
 */
async function migrate(dynamoEndpoint: string, mongoUri: string): Promise<number | null> {
  const conf = `conf.version = 4
id = ${database}
sync_mode = full
source.endpoint_url = ${dynamoEndpoint}
target.address = ${mongoUri}
target.db.exist = drop
filter.collection.white = ${TABLES.map(({ name }) => prefix + name).join(";")}
full_sync.http_port = 0
qps.full.batch_num = 1000
`;
  const work = ownTempFolder("quickstart");
  cleanup.defer(() => work.remove());
  writeFileSync(join(work.folder, "nimo-shake.conf"), conf);
  console.log(
    `   nimo-shake -conf=nimo-shake.conf, which says:\n\n${maskText(conf).trimEnd().replace(/^/gm, "     ")}\n`,
  );
  // settings of the environment would be stronger than the file
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NIMO_")));
  const cli = fileURLToPath(new URL("../bin/cli.ts", import.meta.url));
  return (await work.start(process.execPath, [cli, "-conf=nimo-shake.conf"], "inherit", env)).exited;
}

async function showResult(): Promise<boolean> {
  let same = true;
  console.log("   table   DynamoDB  MongoDB  indexes");
  for (const { name } of TABLES) {
    const collection = mongodb.db(database).collection(prefix + name);
    const [source, target, indexes] = await Promise.all([
      countItems(prefix + name),
      collection.countDocuments({}),
      collection.indexes(),
    ]);
    same &&= source === target;
    const names = indexes
      .filter((index) => index.name !== "_id_")
      .map((index) => index.name + (index.unique ? " (unique)" : ""));
    console.log(
      `   ${name.padEnd(8)}${grouped(source).padStart(8)}${grouped(target).padStart(9)}  ${names.join(", ")}${source === target ? "" : "  DIFFERENT"}`,
    );
  }
  return same;
}

async function countItems(TableName: string): Promise<number> {
  let count = 0;
  for await (const page of paginateScan({ client: dynamodb }, { TableName, Select: "COUNT" }))
    count += page.Count ?? 0;
  return count;
}

async function showValues(): Promise<void> {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: `${prefix}types`, Key: { id: EVERY_TYPE["id"]! } }),
  );
  // unpromoted: the driver would turn int32 and doubles, and small int64, into the same JavaScript number
  const document = await mongodb
    .db(database)
    .collection(`${prefix}types`)
    .findOne({ id: "every-type" }, { promoteValues: false });
  console.log(`   ${"attribute".padEnd(11)}${"DynamoDB".padEnd(44)}MongoDB`);
  for (const name of Object.keys(EVERY_TYPE)) {
    console.log(`   ${name.padEnd(11)}${asDynamoDB(Item![name]!).padEnd(44)}${asMongoDB(document?.[name])}`);
  }
}

function asDynamoDB(value: AttributeValue): string {
  if (value.M)
    return `M {${Object.entries(value.M)
      .map(([name, inner]) => `${name}: ${asDynamoDB(inner)}`)
      .join(", ")}}`;
  if (value.L) return `L [${value.L.map(asDynamoDB).join(", ")}]`;
  const [type, content] = Object.entries(value)[0] as [string, unknown];
  const shown = (each: unknown) =>
    each instanceof Uint8Array ? hex(each) : type.endsWith("S") ? JSON.stringify(each) : String(each);
  return `${type} ${Array.isArray(content) ? `[${content.map(shown).join(", ")}]` : shown(content)}`;
}

function asMongoDB(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `bool ${value}`;
  if (value instanceof Binary) return `binData ${hex(value.value())}`;
  for (const [type, name] of NUMBERS) if (value instanceof type) return `${name} ${value}`;
  if (Array.isArray(value)) return `array [${value.map(asMongoDB).join(", ")}]`;
  return `object {${Object.entries(value)
    .map(([name, inner]) => `${name}: ${asMongoDB(inner)}`)
    .join(", ")}}`;
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
