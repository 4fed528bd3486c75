/** A migration of the quickstart's tables as it is seen on a terminal: a run, and a comparison beside it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { MongoClient } from "mongodb";
import { definition, type Item, TABLES } from "../../examples/quickstart-tables.ts";
import { ownTempFolder } from "../../test/servers/process.ts";
import { sharedServers } from "../../test/servers/shared.ts";
import { type Span, screenOf } from "./screen.ts";

const CLI = fileURLToPath(new URL("../../bin/cli.ts", import.meta.url));
/** The exit code of a run that SIGTERM has stopped. */
const STOPPED = 143;
const ORDERS = TABLES[0]!;
/** So many orders are changed while their stream is followed. */
const CHANGES = 25;
/** A run that hasn't caught up in this time never will, in ms. */
const PATIENCE = 120_000;

/** What is migrated, and shown on what. */
export interface SessionOptions {
  /** The migration's and so its databases' name. */
  id: string;
  /** In front of the tables' names. */
  prefix?: string;
  /** So many items at most of each table. */
  most?: number;
  columns: number;
}

/** The lines of both commands, behind the commands themselves. Everything it has made is gone afterwards, but not the servers. */
export async function session({
  id,
  prefix = "",
  most = Infinity,
  columns,
}: SessionOptions): Promise<Span[][]> {
  const { dynamoEndpoint, mongoUri } = await sharedServers();
  await using cleanup = new AsyncDisposableStack();
  const credentials = { accessKeyId: "quickstart", secretAccessKey: "quickstart" };
  const source = new DynamoDBClient({ endpoint: dynamoEndpoint, region: "us-east-1", credentials });
  cleanup.defer(() => source.destroy());
  for (const table of TABLES) {
    const TableName = prefix + table.name;
    await source.send(new CreateTableCommand(definition(table, TableName)));
    cleanup.defer(async () => void (await source.send(new DeleteTableCommand({ TableName }))));
    for (let from = 0; from < Math.min(table.count, most); from += 25) {
      const length = Math.min(25, table.count - from, most - from);
      const puts = Array.from({ length }, (_, at) => ({ PutRequest: { Item: table.item(from + at) } }));
      await source.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }));
    }
  }
  const target = cleanup.use(await new MongoClient(mongoUri).connect());
  for (const suffix of ["", "-checkpoint", "-checkpoint-state"])
    cleanup.defer(async () => void (await target.db(id + suffix).dropDatabase()));

  const { folder, remove } = ownTempFolder("picture");
  cleanup.defer(remove);
  writeFileSync(
    join(folder, "shop.conf"),
    `id = ${id}
source.endpoint_url = ${dynamoEndpoint}
target.address = ${mongoUri}
filter.collection.white = ${TABLES.map(({ name }) => prefix + name).join(";")}
full_sync.http_port = 0
incr_sync.http_port = 0
qps.full.batch_num = 5000
`,
  );
  const run = onTerminal(["run", "-c", "shop.conf"], folder, columns);
  cleanup.use(run);
  await run.until("full sync done!");
  const changed = Array.from({ length: CHANGES }, (_, at) => ({ PutRequest: { Item: changedOrder(at) } }));
  await source.send(new BatchWriteItemCommand({ RequestItems: { [prefix + ORDERS.name]: changed } }));
  await run.until(`${CHANGES} records applied`);
  await run.until("switch over: yes");
  const before = run.shown();
  const verify = onTerminal(["verify", "-c", "shop.conf"], folder, columns);
  cleanup.use(verify);
  const verified = await verify.exited;
  run.stop();
  const code = await run.exited;
  if (verified !== 0 || code !== STOPPED)
    throw new Error(`verify ended with ${verified}, run with ${code}: ${run.shown()}${verify.shown()}`);
  const command = (name: string): Span[] => [
    { text: `$ nimo-shake ${name} -c shop.conf`, colour: undefined, bold: true },
  ];
  return [
    command("run"),
    ...screenOf(before, columns),
    [],
    command("verify"),
    ...screenOf(verify.shown(), columns),
  ];
}

function changedOrder(n: number): Item {
  return { ...ORDERS.item(n), status: { S: "lost" } };
}

interface OnTerminal extends AsyncDisposable {
  /** All that was written, escape sequences included. */
  shown(): string;
  until(text: string): Promise<void>;
  stop(): void;
  exited: Promise<number>;
}

function onTerminal(args: string[], cwd: string, cols: number): OnTerminal {
  let text = "";
  const decoder = new TextDecoder();
  const kept = Object.entries(process.env).filter(([name]) => !/^(NIMO_|AWS_|CI$|NO_COLOR$)/.test(name));
  const env = { ...Object.fromEntries(kept), TERM: "xterm-256color", AWS_EC2_METADATA_DISABLED: "true" };
  const data = (_: unknown, bytes: Uint8Array): void =>
    void (text += decoder.decode(bytes, { stream: true }));
  const child = Bun.spawn([process.execPath, CLI, ...args], { cwd, env, terminal: { cols, rows: 40, data } });
  return {
    shown: () => text,
    async until(wanted) {
      for (const deadline = Date.now() + PATIENCE; !text.includes(wanted); await sleep(50))
        if (Date.now() > deadline || child.exitCode !== null) throw new Error(`no "${wanted}": ${text}`);
    },
    stop: () => void child.kill("SIGTERM"),
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}
