/** The world of real servers: a DynamoDB with streams, a mongod as a replica set of one, and everything between them and the tool. */
import { join, resolve } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { createTable, dynamo, type Key, type Settings } from "../e2e/helpers.ts";
import { type DynamoDBServer, startDynamoDB } from "../servers/dynamodb.ts";
import { type Mongod, startMongod } from "../servers/mongod.ts";
import { SHAPES } from "./changes.ts";
import { foundAt } from "./found.ts";
import { startHttpFaults } from "./http-faults.ts";
import { httpFaults } from "./kinds/http.ts";
import { diskFaults, skewFaults } from "./kinds/machine.ts";
import { mongodFaults } from "./kinds/mongod.ts";
import { networkFaults } from "./kinds/network.ts";
import { processFaults } from "./kinds/process.ts";
import { steeringFaults } from "./kinds/steering.ts";
import { streamFaults } from "./kinds/stream.ts";
import { makeChanges, putItems } from "./source-writes.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { canMount, mountAt, unmount } from "./tmpfs.ts";
import type { Fault, OpenWorld, Scene, Setup, World } from "./world.ts";

const SECOND = 1000;
/** Where `preload.ts` finds its file. */
export const SKEW = "skew.json";

/** By table its GSIs. */
const INDEXES: Record<string, Record<string, Key>> = {
  orders: { byOwner: ["owner"], byOwnerAndN: ["owner", "n:N"] },
};

/** See the top of the file. */
export const serversWorld: World = {
  name: "servers",
  targets: ["mongodb", "mongodb", "mongodb", "mongodb", "aliyun_dynamo_proxy", "file"],
  async open() {
    const stack = new AsyncDisposableStack();
    try {
      const mongod = stack.use(
        await startMongod({ own: true, args: ["--setParameter", "enableTestCommands=1"] }),
      );
      const source = stack.use(await startDynamoDB({ own: true }));
      const target = stack.use(await startDynamoDB({ own: true }));
      const client = new MongoClient(mongod.uri);
      stack.defer(() => client.close());
      const probe = mkdtempSync(join(tmpdir(), "nimo-shake-faults-disk-"));
      const hasDisk = canMount(probe);
      rmSync(probe, { recursive: true });
      const shared = { mongod, source, target, client, hasDisk };
      const open = stack.move();
      return {
        names: `${source.name}, ${mongod.name}`,
        missing: hasDisk ? [] : ["full disk: no tmpfs may be mounted here"],
        scene: (setup) => makeScene(shared, setup),
        [Symbol.asyncDispose]: () => open.disposeAsync(),
      } satisfies OpenWorld;
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  },
};

interface Shared {
  mongod: Mongod;
  source: DynamoDBServer;
  target: DynamoDBServer;
  client: MongoClient;
  hasDisk: boolean;
}

async function makeScene(shared: Shared, { id, folder, disk, configuration }: Setup): Promise<Scene> {
  const { mongod, source, target, client, hasDisk } = shared;
  const { target: kind, checkpoint, plugin } = configuration;
  const stack = new AsyncDisposableStack();
  const use = <T extends AsyncDisposable>(made: T): T => stack.use(made);
  const dump = join(disk, "dump");
  if (hasDisk && mountAt(disk)) stack.defer(() => unmount(disk));
  const skew = join(folder, SKEW);

  const toSource = await wayTo(source.endpoint);
  const toTarget = kind === "aliyun_dynamo_proxy" ? await wayTo(target.endpoint) : undefined;
  const mongo =
    kind === "mongodb" || checkpoint === "mongodb" ? await startTcpProxy(portOf(mongod.uri)) : undefined;
  for (const proxy of [toSource.tcp, toTarget?.tcp, mongo]) if (proxy !== undefined) use(proxy);

  async function wayTo(
    endpoint: string,
  ): Promise<{ tcp: TcpProxy; http: Awaited<ReturnType<typeof startHttpFaults>> }> {
    const http = use(await startHttpFaults(endpoint));
    return { http, tcp: await startTcpProxy(http.port) };
  }

  const tables = SHAPES.map(({ name, keys }) => ({ name: `${name}.${id}`, keys }));
  for (const [i, { name }] of tables.entries()) {
    const shape = SHAPES[i]!;
    const key = shape.keys.map((part) => part.join(":")) as Key;
    await createTable(source.endpoint, name, { key, gsi: INDEXES[shape.name] ?? {} });
    for (const { endpoint } of [source, target])
      stack.defer(() => void dynamo(endpoint, "DeleteTable", { TableName: name }).catch(() => {}));
  }
  stack.defer(async () => {
    for (const db of [id, `${id}-checkpoint`, `${id}-checkpoint-state`]) await client.db(db).dropDatabase();
  });

  const mongoUri = mongo && `mongodb://127.0.0.1:${mongo.port}/?directConnection=true`;
  const settings: Settings = {
    "source.endpoint_url": `http://127.0.0.1:${toSource.tcp.port}`,
    "filter.collection.white": tables.map(({ name }) => name).join(";"),
    "target.address":
      kind === "mongodb" ? mongoUri! : kind === "file" ? dump : `http://127.0.0.1:${toTarget!.tcp.port}`,
    "checkpoint.address": checkpoint === "mongodb" ? mongoUri! : join(disk, "positions"),
    "increase.persist.dir": join(disk, "spool"),
    ...(plugin !== "none" && { plugins: resolve(import.meta.dir, "plugins", `${plugin}.ts`) }),
  };

  const sourceCodes = ["SOURCE_UNREACHABLE", "SOURCE_FAILED", "SOURCE_THROTTLED"] as const;
  const targetCodes = [
    "TARGET_UNREACHABLE",
    "TARGET_FAILED",
    "TARGET_THROTTLED",
    "CHECKPOINT_FAILED",
  ] as const;
  const states = checkpoint === "mongodb" ? `${id}-checkpoint-state.states` : undefined;
  const usesDisk = kind === "file" || checkpoint === "file" || configuration.spool;
  const faults: Fault[] = [
    ...processFaults,
    ...(kind === "file" ? [] : steeringFaults),
    ...networkFaults("source", toSource.tcp, sourceCodes),
    ...httpFaults("source", toSource.http, sourceCodes),
    ...(toTarget ? networkFaults("target", toTarget.tcp, targetCodes) : []),
    ...(toTarget ? httpFaults("target", toTarget.http, targetCodes) : []),
    ...(mongo ? networkFaults("mongod", mongo, targetCodes) : []),
    ...(mongo ? mongodFaults({ mongod, client, states }) : []),
    ...skewFaults(skew),
    ...(hasDisk && usesDisk ? diskFaults(disk) : []),
    ...(kind === "file" ? [] : streamFaults(source.endpoint, tables, configuration)),
  ];

  const open = stack.move();
  return {
    tables,
    settings,
    faults,
    fill: (table, items) => putItems(source.endpoint, table, items),
    change: (request) => makeChanges(source.endpoint, request),
    found: (table) =>
      foundAt(kind, table, { db: client.db(id), folder: join(dump, id), endpoint: target.endpoint }),
    async calm() {
      for (const { tcp, http } of [toSource, toTarget].filter((way) => way !== undefined)) {
        http.spoil(undefined);
        await tcp.set({ kind: "pass" });
      }
      await mongo?.set({ kind: "pass" });
      rmSync(join(disk, "filler"), { force: true });
      await untilWritable(client);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function portOf(uri: string): number {
  return Number(new URL(uri).port);
}

/** Also takes back what was set to fail. */
async function untilWritable(client: MongoClient): Promise<void> {
  const deadline = Date.now() + 30 * SECOND;
  for (;;) {
    try {
      await client.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
      const { isWritablePrimary } = await client.db("admin").command({ hello: 1 });
      if (isWritablePrimary === true) return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(100);
  }
}
