/** A scenario: tables at the source, a database at the target, runs of the tool; all gone at its end. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MongoClient } from "mongodb";
import type { Db, Document } from "mongodb";
import type { Config } from "../../core/config/config.ts";
import { loadConfig } from "../../core/config/load.ts";
import { createSemaphore } from "../../core/flow/semaphore.ts";
import { type MigrateOptions, runMigration } from "../../core/run/run.ts";
import { type RunVerifyOptions, runVerify, type Verdict } from "../../core/run/verify.ts";
import { printError } from "../../bin/errors.ts";
import type { Progress } from "../../core/progress/progress.ts";
import { cliCommand } from "../cli.ts";
import { post } from "../servers/capabilities.ts";
import { sharedServers } from "../servers/shared.ts";
import { builtinPlugin } from "../../plugins/index.ts";

const SECOND = 1000;
const RUN_TIMEOUT = 120 * SECOND;
const BATCH_WRITE = 25;

/** Values in DynamoDB JSON. */
export type Attributes = Record<string, object>;
/** Conf keys and their values. */
export type Settings = Record<string, string | number | boolean>;

/** A key: `["pk"]`, `["pk", "sk"]`, with a type behind a colon where it isn't S: `["pk:N"]`. */
export type Key = [partition: string, sort?: string];

/** A table to make. */
export interface TableSpec {
  key?: Key;
  gsi?: Record<string, Key>;
  lsi?: Record<string, Key>;
  items?: Attributes[];
}

/** What a run of the command line left. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  ms: number;
}

/** A run that is still going on. */
export interface Running {
  kill(signal: NodeJS.Signals): void;
  done: Promise<Outcome>;
}

/** See the top of the file. */
export interface Scenario extends AsyncDisposable {
  /** The target database's name, used as `id`. */
  id: string;
  db: Db;
  client: MongoClient;
  mongoUri: string;
  dynamoEndpoint: string;
  folder: string;
  /** Makes a table; its name is unique and begins with `name`. */
  table(name: string, spec?: TableSpec): Promise<string>;
  /** The documents of a collection, BSON types kept, by key. */
  documents(collection: string): Promise<Document[]>;
  /** The index definitions as name to key, with ` unique` behind the unique ones' names; without `_id_`. */
  indexes(collection: string): Promise<Record<string, Document>>;
  /** Names of the target's collections, sorted. */
  collections(): Promise<string[]>;
  /** All settings of a run: this scenario's tables to its database, and what differs. */
  settings(changes?: Settings): Settings;
  /** Writes a conf file and gives its path. */
  conf(settings: Settings): string;
  /** Runs the command line with a conf of {@link Scenario.settings}. */
  cli(changes?: Settings, args?: string[]): Promise<Outcome>;
  /** Runs the command line with exactly these arguments. */
  run(args: string[], env?: Record<string, string>): Promise<Outcome>;
  /** The same without waiting for its end. */
  start(args: string[], env?: Record<string, string>): Running;
  /** Runs the migration in this process. */
  migrate(changes?: Settings, options?: Partial<MigrateOptions>): Promise<Progress>;
  /** The same, with its end as the command line would show it: for a run that gives up soon. */
  attempt(changes: Settings, options: Partial<MigrateOptions>): Promise<Outcome>;
  /** Compares source and target in this process, as the command line would with a conf in the scenario's folder. */
  verify(changes?: Settings, options?: Partial<RunVerifyOptions>): Promise<Verdict>;
}

/** NimoShake's defaults, so that little data makes many pages and batches: there is something to stop, lose and go on with. */
const SMALL: Settings = { "qps.full.batch_num": 0, "qps.incr.batch_num": 0, "full.document.write.batch": 0 };

/** Concurrent tests would start more processes than the machine has use for. */
const lanes = createSemaphore(4);
let scenarios = 0;

/**
 * Starts the shared servers if need be and makes a scenario on them: `await using s = await scenario()`.
 *
 * @param source a DynamoDB of the test's own, for tables so large that their scans would stop all others
 */
export async function scenario(source?: string): Promise<Scenario> {
  const shared = await sharedServers();
  const { mongoUri } = shared;
  const dynamoEndpoint = source ?? shared.dynamoEndpoint;
  const id = `e2e-${process.pid.toString(36)}-${(scenarios++).toString(36)}-${Date.now().toString(36)}`;
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-e2e-"));
  const client = new MongoClient(mongoUri);
  const db = client.db(id);
  const tables: string[] = [];
  const running = new Set<{ process: Bun.Subprocess; done: Promise<Outcome> }>();
  let confs = 0;

  const self: Scenario = {
    id,
    db,
    client,
    mongoUri,
    dynamoEndpoint,
    folder,
    async table(name, spec = {}) {
      const unique = `${name}.${id}`;
      tables.push(unique);
      await createTable(dynamoEndpoint, unique, spec);
      return unique;
    },
    documents: (collection) =>
      db.collection(collection).find({}, { promoteValues: false }).sort({ pk: 1, sk: 1 }).toArray(),
    async indexes(collection) {
      const all = await db.collection(collection).indexes();
      const named = all.map(({ name, key, unique }) => [`${name}${unique ? " unique" : ""}`, key] as const);
      return Object.fromEntries(named.filter(([name]) => name !== "_id_"));
    },
    collections: async () =>
      (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort(),
    settings: (changes = {}) => ({
      "conf.version": 4,
      id,
      sync_mode: "full",
      "full_sync.http_port": -1,
      ...SMALL,
      "source.endpoint_url": dynamoEndpoint,
      "filter.collection.white": tables.join(";"),
      "target.address": mongoUri,
      ...changes,
    }),
    conf(settings) {
      const path = join(folder, `${confs++}.conf`);
      writeFileSync(
        path,
        Object.entries(settings)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join(""),
      );
      return path;
    },
    cli: (changes, args = []) => self.run([`-conf=${self.conf(self.settings(changes))}`, ...args]),
    run: (args, env) => lanes.run(() => self.start(args, env).done),
    start(args, env = {}) {
      const run = startCli(args, folder, env);
      running.add(run);
      run.done.finally(() => running.delete(run)).catch(() => {});
      return { kill: (signal) => run.process.kill(signal), done: run.done };
    },
    migrate(changes, options) {
      const config = configOf(self.settings(changes));
      return runMigration({ builtins: builtinPlugin, config, ...options });
    },
    verify(changes, options) {
      const config = fromFolder(configOf(self.settings(changes)), folder);
      const extent = { kind: "all" } as const;
      const how = { builtins: builtinPlugin, settle: 20, extent, workFolder: folder };
      return runVerify({ ...how, config, ...options });
    },
    async attempt(changes, options) {
      const started = performance.now();
      let stderr = "";
      const stream = { write: (text: string) => (stderr += text) };
      const code = await self.migrate(changes, options).then(
        () => 0,
        (error: unknown) => printError(error, { debug: false, stream }),
      );
      return { code, stdout: "", stderr, ms: performance.now() - started };
    },
    async [Symbol.asyncDispose]() {
      for (const { process } of running) process.kill("SIGKILL");
      await Promise.allSettled([...running].map(({ done }) => done));
      const removals = [
        ...tables.map((TableName) =>
          dynamo(dynamoEndpoint, "DeleteTable", { TableName }).catch(ignoreMissing),
        ),
        db.dropDatabase().finally(() => client.close()),
      ];
      rmSync(folder, { recursive: true, force: true });
      for (const result of await Promise.allSettled(removals))
        if (result.status === "rejected") throw result.reason;
    },
  };
  return self;
}

function configOf(settings: Settings): Config {
  const set = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]));
  return loadConfig({ set }).config;
}

/** A configuration whose paths are the same from everywhere. */
function fromFolder(config: Config, folder: string): Config {
  const { id, "checkpoint.address": checkpoint, "target.address": target } = config;
  return {
    ...config,
    ...(config["checkpoint.type"] === "file" && {
      "checkpoint.address": resolve(folder, checkpoint || checkpointIn(folder, id)),
    }),
    ...(config["target.type"] === "file" && { "target.address": resolve(folder, target) }),
  };
}

/** Where files are kept when no setting says it: NimoShake's place is taken up. */
function checkpointIn(folder: string, id: string): string {
  return existsSync(join(folder, `${id}-checkpoint`)) ? `${id}-checkpoint` : "checkpoint";
}

function startCli(args: string[], cwd: string, extra: Record<string, string>) {
  const started = performance.now();
  // nothing of the developer's own AWS or NIMO settings
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: cwd,
    TMPDIR: tmpdir(),
    AWS_EC2_METADATA_DISABLED: "true",
    ...extra,
  };
  const child = Bun.spawn([...cliCommand(cwd), ...args], {
    cwd,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  async function finish(): Promise<Outcome> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, RUN_TIMEOUT);
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    clearTimeout(timer);
    if (late)
      throw new Error(`no end after ${RUN_TIMEOUT / SECOND} s: ${args.join(" ")}\n${stdout}\n${stderr}`);
    return { code, stdout, stderr, ms: performance.now() - started };
  }
  return { process: child as Bun.Subprocess, done: finish() };
}

/** Calls DynamoDB without the SDK, whose serializer has ideas of its own about names. */
export async function dynamo(
  endpoint: string,
  operation: string,
  body: object,
  service = "DynamoDB_20120810",
): Promise<Record<string, unknown>> {
  const response = await post(endpoint, `${service}.${operation}`, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`${operation}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Makes a table at a source, with its items. */
export async function createTable(endpoint: string, TableName: string, spec: TableSpec): Promise<void> {
  const { key = ["pk"], gsi = {}, lsi = {}, items = [] } = spec;
  const types = new Map(
    [key, ...Object.values(gsi), ...Object.values(lsi)].flatMap(parts).map((part) => [part.name, part]),
  );
  const indexes = (keys: Record<string, Key>) =>
    Object.entries(keys).map(([IndexName, of]) => ({
      IndexName,
      KeySchema: schema(of),
      Projection: { ProjectionType: "ALL" },
    }));
  await dynamo(endpoint, "CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...types.values()].map(({ name, type }) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    KeySchema: schema(key),
    ...(Object.keys(gsi).length > 0 && { GlobalSecondaryIndexes: indexes(gsi) }),
    ...(Object.keys(lsi).length > 0 && { LocalSecondaryIndexes: indexes(lsi) }),
  });
  for (let i = 0; i < items.length; i += BATCH_WRITE) {
    const puts = items.slice(i, i + BATCH_WRITE).map((Item) => ({ PutRequest: { Item } }));
    await dynamo(endpoint, "BatchWriteItem", { RequestItems: { [TableName]: puts } });
  }
}

function parts(key: Key): { name: string; type: string }[] {
  return key.flatMap((part) => {
    if (part === undefined) return [];
    const [, name = part, type = "S"] = /^(.*):([SNB])$/.exec(part) ?? [];
    return [{ name, type }];
  });
}

function schema(key: Key): object[] {
  return parts(key).map(({ name }, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" }));
}

function ignoreMissing(error: unknown): void {
  if (!String(error).includes("ResourceNotFoundException")) throw error;
}

/** `count` items of `{ pk: "k0", n: 0, text }`. */
export function someItems(count: number, textLength = 20): Attributes[] {
  const text = "x".repeat(textLength);
  return Array.from({ length: count }, (_, n) => ({
    pk: { S: `k${n}` },
    n: { N: String(n) },
    text: { S: text },
  }));
}
