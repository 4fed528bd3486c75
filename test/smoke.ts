/**
 * Migrates one table with the example configuration by whatever command is given, alone in an empty folder: into a
 * folder, into MongoDB, and there once more with plugins, in both phases:
 * `bun test/smoke.ts dist/nimo-shake`, `bun test/smoke.ts deno run -A bin/cli.ts`.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
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
    "full_sync.http_port": "0",
  };
  const migrate = async (more: Record<string, string>): Promise<string> => {
    const all = Object.entries({ ...settings, ...more });
    const sets = all.flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const options = { cwd: folder, timeout: TIMEOUT };
    const { stdout } = await promisify(execFile)(file!, [...args, `-conf=${conf}`, ...sets], options);
    expectEqual("the last line", stdout.trimEnd().split("\n").at(-1), "full sync done!");
    return stdout;
  };
  await migrate({});
  const dump = readFileSync(join(folder, "dump", id, `${table}.bson`));
  expectEqual("documents in the folder", countBson(dump), ITEMS);
  const stdout = await migrate({ "target.type": "mongodb", "target.address": mongoUri });

  const documents = target.db(id).collection(table);
  expectEqual("documents", await documents.countDocuments({}), ITEMS);
  const one = await documents.findOne({ pk: "item-7" }, { projection: { _id: 0 } });
  // some servers keep the order of attributes, some sort them
  const fields = Object.entries(one ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  expectEqual("a document", JSON.stringify(fields), '[["n",7],["pk","item-7"]]');
  expectEqual("indexes", Object.keys(await documents.indexInformation()).toString(), "_id_,pk_1,pk_hashed");

  await withPlugins(file!, [...args, `-conf=${writePluginConf(settings)}`]);
  process.stdout.write(
    `${stdout}smoke: ${process.argv.slice(2).join(" ")}: ${ITEMS} of ${ITEMS} items equal\n`,
  );
} finally {
  for (const each of [id, pluginId]) {
    await target.db(each).dropDatabase();
    for (const state of ["checkpoint", "checkpoint-state"])
      await target.db(`${each}-${state}`).dropDatabase();
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
  if (file === "deno") return [denoItself(), ...whole];
  if (!existsSync(file)) return [file, ...whole];
  const copy = join(folder, basename(file));
  copyFileSync(file, copy);
  return [copy, ...whole];
}

/** The package's command is a wrapper that doesn't pass signals on. */
function denoItself(): string {
  return execFileSync("deno", ["eval", "console.log(Deno.execPath())"], { encoding: "utf8" }).trim();
}

/** The configuration for {@link withPlugins}: two files and a package beside it, and nothing else to import from. */
function writePluginConf(settings: Record<string, string>): string {
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, "plugins", name)), { recursive: true });
    writeFileSync(join(folder, "plugins", name), text);
  };
  write("lib/odd.ts", "export const isOdd = (digits: string): boolean => Number(digits) % 2 === 1;\n");
  write(
    "odd.ts",
    `import type { Plugin } from "nimo-shake";
import { isOdd } from "./lib/odd.ts";

export default {
  name: "odd",
  setup(ctx) {
    ctx.hook("table:before", (e) => void (e.table.targetName = "odd"));
    ctx.hook("fetch:after", (e) => e.keep((item) => isOdd(item.n!.N!)));
  },
} satisfies Plugin;
`,
  );
  write(
    "twice.mjs",
    `import { times } from "times";
export default {
  name: "twice",
  setup(ctx, { factor }) {
    ctx.hook("convert:after", (e) => {
      for (const { document } of e.records) if (document) document.twice = times(document.n, factor);
    });
  },
};
`,
  );
  write("node_modules/times/package.json", '{ "name": "times", "exports": { "import": "./times.mjs" } }');
  write("node_modules/times/times.mjs", "export const times = (n, factor) => n * Number(factor);\n");
  const conf = {
    ...settings,
    id: pluginId,
    sync_mode: "all",
    "target.type": "mongodb",
    "target.address": mongoUri,
    "full_sync.http_port": "-1",
    "incr_sync.http_port": "-1",
    plugins: "./odd.ts;./twice.mjs",
    "plugin.twice.factor": "2",
  };
  const lines = Object.entries(conf).map(([key, value]) => `${key} = ${value}\n`);
  write("nimo-shake.conf", lines.join(""));
  return join(folder, "plugins/nimo-shake.conf");
}

/** Filtered, renamed and with a computed field, in both phases, started in `/`. */
async function withPlugins(file: string, args: string[]): Promise<void> {
  const run = spawn(file, args, { cwd: "/", stdio: ["ignore", "ignore", "inherit"], timeout: TIMEOUT });
  const ended = once(run, "exit");
  const odd = target.db(pluginId).collection<{ pk: string; n: number; twice: number }>("odd");
  try {
    await expectSoon("documents that a plugin kept", ITEMS / 2, () =>
      odd.countDocuments({ n: { $mod: [2, 1] } }),
    );
    await put({ pk: { S: "item-1" }, n: { N: "2" } }); // leaves the filter
    await put({ pk: { S: "item-2" }, n: { N: "77777" } }); // enters it
    await expectSoon(
      "a document that entered the filter",
      155554,
      async () => (await odd.findOne({ pk: "item-2" }))?.twice,
    );
    await expectSoon("one that left it", null, () => odd.findOne({ pk: "item-1" }));
    const wrong = { $expr: { $ne: ["$twice", { $multiply: ["$n", 2] }] } };
    expectEqual("documents without the computed field", await odd.countDocuments(wrong), 0);
    expectEqual("documents", await odd.countDocuments(), ITEMS / 2);
  } finally {
    run.kill("SIGTERM");
    const [code] = (await ended) as [number];
    expectEqual("the exit code after SIGTERM", code, 143);
  }
}

async function expectSoon(what: string, expected: unknown, look: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + TIMEOUT / 4;
  while ((await look()) !== expected && Date.now() < deadline) await sleep(100);
  expectEqual(what, await look(), expected);
}

async function put(Item: Record<string, AttributeValue>): Promise<void> {
  await source.send(new PutItemCommand({ TableName: table, Item }));
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
