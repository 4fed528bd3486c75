/**
 * Migrates one table, into a folder, into MongoDB, and there with a plugin, with the example configuration by whatever
 * command is given, alone in an empty folder:
 * `bun test/smoke.ts dist/nimo-shake`, `bun test/smoke.ts deno run -A bin/cli.ts`.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { MongoClient } from "mongodb";
import { sharedServers, stopSharedServers } from "./servers/shared.ts";

const ITEMS = 100;
const TIMEOUT = 120_000;
const table = `smoke-${process.pid}`;
const id = `smoke-${process.pid}-${Date.now()}`;
const pluginId = `${id}-p`;

const folder = mkdtempSync(join(tmpdir(), "nimo-shake-smoke-"));
const { mongoUri, dynamoEndpoint } = await sharedServers();
const source = new DynamoDBClient({
  endpoint: dynamoEndpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "placeholder", secretAccessKey: "placeholder" },
});
const target = await new MongoClient(mongoUri).connect();
try {
  await makeTable();
  const [file, ...args] = alone(process.argv.slice(2));
  const conf = join(folder, "nimo-shake.conf");
  copyFileSync("examples/nimo-shake.conf", conf);
  const settings = {
    id,
    "source.endpoint_url": dynamoEndpoint,
    "filter.collection.white": table,
  };
  const migrate = async (more: Record<string, string>, cwd = folder): Promise<string> => {
    const all = Object.entries({ ...settings, ...more });
    const sets = all.flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const options = { cwd, timeout: TIMEOUT };
    const { stdout } = await promisify(execFile)(file!, [...args, `-conf=${conf}`, ...sets], options);
    expectEqual("the last line", stdout.trimEnd().split("\n").at(-1), "full sync done!");
    return stdout;
  };
  await migrate({});
  const dump = readFileSync(join(folder, "dump", `${table}.bson`));
  expectEqual("documents in the folder", countBson(dump), ITEMS);
  const stdout = await migrate({ "target.type": "mongodb", "target.address": mongoUri });

  const documents = target.db(id).collection(table);
  expectEqual("documents", await documents.countDocuments({}), ITEMS);
  const one = await documents.findOne({ pk: "item-7" }, { projection: { _id: 0 } });
  expectEqual("a document", JSON.stringify(one), JSON.stringify({ n: 7, pk: "item-7" }));
  expectEqual("indexes", Object.keys(await documents.indexInformation()).toString(), "_id_,pk_1,pk_hashed");

  const plugins = makePlugin();
  await migrate({ id: pluginId, "target.type": "mongodb", "target.address": mongoUri, plugins }, tmpdir());
  const odd = target.db(pluginId).collection("odd");
  expectEqual("documents that a plugin kept", await odd.countDocuments({ n: { $mod: [2, 1] } }), ITEMS / 2);
  expectEqual("other documents", await odd.countDocuments({ n: { $mod: [2, 0] } }), 0);
  process.stdout.write(
    `${stdout}smoke: ${process.argv.slice(2).join(" ")}: ${ITEMS} of ${ITEMS} items equal\n`,
  );
} finally {
  for (const each of [id, pluginId]) {
    await target.db(each).dropDatabase();
    await target.db(`${each}-checkpoint-state`).dropDatabase();
  }
  await target.close();
  await source.send(new DeleteTableCommand({ TableName: table })).catch(() => {});
  source.destroy();
  await stopSharedServers();
  rmSync(folder, { recursive: true, force: true });
}

/** The command with a file of ours copied away from everything beside it, other files by full path. */
function alone([file, ...args]: string[]): string[] {
  if (file === undefined) throw new Error("usage: bun test/smoke.ts COMMAND…");
  const whole = args.map((arg) => (existsSync(arg) ? resolve(arg) : arg));
  if (!existsSync(file)) return [file, ...whole];
  const copy = join(folder, basename(file));
  copyFileSync(file, copy);
  return [copy, ...whole];
}

/** A plugin in TypeScript with an import of its own, and no node_modules anywhere near. */
function makePlugin(): string {
  writeFileSync(
    join(folder, "odd.ts"),
    "export const isOdd = (digits: string): boolean => Number(digits) % 2 === 1;\n",
  );
  writeFileSync(
    join(folder, "plugin.ts"),
    `import type { Plugin } from "nimo-shake";
import { isOdd } from "./odd.ts";

export default {
  name: "odd",
  setup(ctx) {
    ctx.hook("table:before", (e) => void (e.table.targetName = "odd"));
    ctx.hook("fetch:after", (e) => e.keep((item) => isOdd(item.n!.N!)));
  },
} satisfies Plugin;
`,
  );
  return "./plugin.ts";
}

async function makeTable(): Promise<void> {
  await source.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
    }),
  );
  for (let from = 0; from < ITEMS; from += 25) {
    const puts = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: { Item: { pk: { S: `item-${from + i}` }, n: { N: String(from + i) } } },
    }));
    await source.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
}

/** Documents one behind the other; each begins with its size. */
function countBson(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) count++;
  return count;
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
}
