/**
 * A whole migration on this machine, in well under a minute: `bun run quickstart`.
 *
 *   1. Servers    A DynamoDB server and mongod, on free ports. What is installed is used; anything else is fetched once,
 *                 into your cache folder. To use running ones, set NIMO_TEST_DYNAMODB=http://… and
 *                 NIMO_TEST_MONGODB=mongodb://…
 *   2. Tables     orders (50,000 items, sort key, two global secondary indexes), users, and types: one item with values
 *                 of every DynamoDB type.
 *   3. Migration  the real command line with a short nimo-shake.conf, as you would run it.
 *   4. Changes    some items are added, changed and deleted while it follows the streams.
 *   5. Verify     each item is compared with its document while the migration goes on; then it is stopped.
 *   6. Result     the counts on both sides, and the indexes.
 *   7. Values     what became of every value of that one item.
 *
 * At the end, all that was started or created is gone, in servers of your own too. The exit code is 0 if both
 * sides are equal.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { WriteRequest } from "@aws-sdk/client-dynamodb";
import { MongoClient } from "mongodb";
import { redactText } from "../core/config/redact.ts";
import { type Child, ownTempFolder } from "../test/servers/process.ts";
import { sharedServers, stopSharedServers } from "../test/servers/shared.ts";
import { showChanges } from "./quickstart-changes.ts";
import { definition, EVERY_TYPE, TABLES, type Table } from "./quickstart-tables.ts";
import { asDynamoDB, asMongoDB } from "./quickstart-values.ts";

/** The exit code of a run that SIGTERM has stopped. */
const STOPPED = 143;

// In servers of your own, nothing of yours may be hit: the names are unique, and removed at the end.
const run = Date.now().toString(36);
const prefix = process.env.NIMO_TEST_DYNAMODB ? `nimo_quickstart_${run}_` : "";
const database = process.env.NIMO_TEST_MONGODB ? `nimo-shake-quickstart-${run}` : "nimo-shake-quickstart";

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
  console.error(`\nerror: ${redactText(error instanceof Error ? error.message : String(error))}`);
}

async function quickstart(): Promise<boolean> {
  const start = performance.now();
  console.log("nimo-shake quickstart: from DynamoDB to MongoDB on this machine\n\n1. Servers");
  cleanup.defer(stopSharedServers);
  const { dynamoEndpoint, mongoUri, names } = await sharedServers();
  console.log(
    `   DynamoDB  ${redactText(dynamoEndpoint)}\n   MongoDB   ${redactText(mongoUri)}\n   These are ${names}.`,
  );
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
  const conf = writeConf(dynamoEndpoint, mongoUri);
  const tool = await startTool(`-conf=${conf}`);
  await untilFullDone(tool);

  console.log("\n4. Changes");
  await showChanges(dynamodb, `${prefix}users`, mongodb.db(database).collection(`${prefix}users`));

  console.log("\n5. Verify\n   nimo-shake verify -c nimo-shake.conf, while the migration goes on, says:\n");
  const comparison = await startTool("verify", "-c", conf, "--set", "log.level=warn");
  const verified = await comparison.exited;
  if (verified !== 0) throw new Error(`nimo-shake verify ended with exit code ${verified}`);
  process.kill(tool.pid, "SIGTERM");
  const code = await tool.exited;
  if (code !== STOPPED) throw new Error(`nimo-shake ended with exit code ${code}`);

  console.log("\n6. Result");
  const same = await showResult();

  console.log("\n7. Values");
  await showValues();
  console.log(
    `\n${same ? "Done" : "The counts differ"}, after ${((performance.now() - start) / 1000).toFixed(1)} s.`,
  );
  return same;
}

async function load(table: Table): Promise<void> {
  const TableName = prefix + table.name;
  await dynamodb.send(new CreateTableCommand(definition(table, TableName)));
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
  const indexes = Object.entries(table.indexes).map(
    ([name, keys]) => `\n                   index ${name} (${keys.join(", ")})`,
  );
  const start = process.stdout.isTTY ? "\r   " : "   ";
  console.log(
    `${start}${table.name.padEnd(8)}${grouped(table.count).padStart(6)}  key (${table.keys.join(", ")})${indexes.join("")}`,
  );
}

/** The tool says in its checkpoint that the full phase is done, as NimoShake does. */
async function untilFullDone(tool: Child): Promise<void> {
  const status = mongodb.db(`${database}-checkpoint`).collection("status_table");
  while ((await status.countDocuments({ StatusValue: "incr_sync" })) === 0) {
    if (!tool.alive()) throw new Error(`nimo-shake ended with exit code ${await tool.exited}`);
    await sleep(50);
  }
}

/** Gives its path. The large pages are for the servers of tests, where a page costs the more the larger the table is. */
function writeConf(dynamoEndpoint: string, mongoUri: string): string {
  const conf = `conf.version = 4
id = ${database}
sync_mode = all
source.endpoint_url = ${dynamoEndpoint}
target.address = ${mongoUri}
target.db.exist = drop
filter.collection.white = ${TABLES.map(({ name }) => prefix + name).join(";")}
full_sync.http_port = 0
incr_sync.http_port = 0
qps.full.batch_num = 5000
`;
  const { folder, remove } = ownTempFolder("quickstart");
  cleanup.defer(remove);
  const path = join(folder, "nimo-shake.conf");
  writeFileSync(path, conf);
  console.log(
    `   nimo-shake -conf=nimo-shake.conf, which says:\n\n${redactText(conf).trimEnd().replace(/^/gm, "     ")}\n`,
  );
  return path;
}

/** Starts the command line as a user would, in a folder of its own. */
function startTool(...args: string[]): Promise<Child> {
  const work = ownTempFolder("quickstart");
  cleanup.defer(() => work.remove());
  // settings of the environment would be stronger than the file
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NIMO_")));
  const cli = fileURLToPath(new URL("../bin/cli.ts", import.meta.url));
  return work.start(process.execPath, [cli, ...args], "inherit", { env });
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
      `   ${name.padEnd(8)}${grouped(source).padStart(8)}${grouped(target).padStart(9)}  ${source === target ? "" : "DIFFERENT "}${names.join("\n                              ")}`,
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

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
