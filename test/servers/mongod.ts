/** A MongoDB server for tests: the one in NIMO_TEST_MONGODB, or one of our own that leaves nothing behind. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { Document } from "mongodb";
import { redactText } from "../../core/config/redact.ts";
import { message } from "./command.ts";
import { memoryFolder } from "./memory-folder.ts";
import { findMongod } from "./mongod-binary.ts";
import { isListening, onFreePort, waitUntil } from "./port.ts";
import { ownTempFolder } from "./process.ts";
import type { Child } from "./process.ts";

const SECOND = 1000;
const START_TIMEOUT = 60 * SECOND;
const REPLICA_SET = "rs0";

/** How a server of our own is started. */
export interface MongodOptions {
  /** Start one even if NIMO_TEST_MONGODB names one: a test that kills its server must not kill the user's. */
  own?: boolean;
  /** A replica set of one member (the default), or a single server without an oplog. */
  replicaSet?: boolean;
  /** Its data are on the disk, as a user's are: for who measures. Default: in memory, where there is room for them. */
  onDisk?: boolean;
  /** Memory of the storage engine, in GB. Default 0.5. */
  cacheGb?: number;
  /** Further arguments of mongod, such as `["--setParameter", "enableTestCommands=1"]`. */
  args?: string[];
}

/** A server that answers. */
export interface Mongod extends AsyncDisposable {
  /** Such as `MongoDB 6.0.5`. */
  name: string;
  /** A connection string without a database. */
  uri: string;
  /** Undefined for the user's own server. After `restart` it is another. */
  readonly pid: number | undefined;
  /** Ends the server and removes its data; a server of the user's runs on. May be called twice. */
  stop(): Promise<void>;
  /** Kills the server as a power cut would; its data stays for `restart`. Refused for a server of the user's. */
  kill9(): Promise<void>;
  /** Starts the killed server again: same port, same data. Killed first if it still runs. */
  restart(): Promise<void>;
}

/** Starts a server, or takes the one NIMO_TEST_MONGODB names. It ends with this process at the latest. */
export async function startMongod(options: MongodOptions = {}): Promise<Mongod> {
  const theirs = process.env.NIMO_TEST_MONGODB;
  return theirs && !options.own ? usersOwn(theirs) : startOwn(await findMongod(), options);
}

async function usersOwn(uri: string): Promise<Mongod> {
  const name = await versionAt(uri).catch((error: unknown) => {
    const what = `NIMO_TEST_MONGODB=${redactText(uri)}: no MongoDB answers there: ${message(error)}`;
    throw new Error(what, { cause: error });
  });
  const refuse = async () => {
    throw new Error("the server in NIMO_TEST_MONGODB is not ours to kill; start one with { own: true }");
  };
  return {
    name,
    uri,
    pid: undefined,
    stop: async () => {},
    kill9: refuse,
    restart: refuse,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function versionAt(uri: string): Promise<string> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5 * SECOND });
  try {
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    return `MongoDB ${version}`;
  } finally {
    await client.close();
  }
}

async function startOwn(binary: string, options: MongodOptions): Promise<Mongod> {
  const { replicaSet = true, cacheGb = 0.5, onDisk = false, args = [] } = options;
  const owned = ownTempFolder("mongod", onDisk ? undefined : memoryFolder());
  const log = join(owned.folder, "mongod.log");

  async function start(port: number): Promise<Child> {
    const child = await owned.start(
      binary,
      [
        "--port",
        String(port),
        "--bind_ip",
        "127.0.0.1",
        "--dbpath",
        owned.folder,
        "--quiet",
        "--nounixsocket", // its socket file would outlive a kill
        "--wiredTigerCacheSizeGB",
        String(cacheGb),
        "--setParameter",
        "diagnosticDataCollectionEnabled=false",
        ...(replicaSet ? ["--replSet", REPLICA_SET, "--oplogSize", "1024"] : []),
        ...args,
      ],
      log,
    );
    await waitUntil(() => isListening(port), child, log, START_TIMEOUT);
    await waitUntilWritable(port, replicaSet, child, log);
    return child;
  }

  try {
    let running!: Child;
    const port = await onFreePort(async (candidate) => {
      running = await start(candidate);
      return candidate;
    });
    const uri = `mongodb://127.0.0.1:${port}/${replicaSet ? `?replicaSet=${REPLICA_SET}` : ""}`;
    return {
      name: await versionAt(uri),
      uri,
      get pid() {
        return running.pid;
      },
      stop: owned.remove, // killed, not shut down: a primary takes seconds to step down and its data goes anyway
      kill9: owned.kill,
      async restart() {
        await owned.kill();
        running = await start(port);
      },
      [Symbol.asyncDispose]: owned.remove,
    };
  } catch (error) {
    await owned.remove();
    throw error;
  }
}

async function waitUntilWritable(
  port: number,
  replicaSet: boolean,
  child: Child,
  log: string,
): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 10 * SECOND,
  });
  const admin = client.db("admin");
  try {
    if (replicaSet) await initiateOnce((command) => admin.command(command), port);
    await waitUntil(
      async () => (await admin.command({ hello: 1 })).isWritablePrimary === true,
      child,
      log,
      START_TIMEOUT,
    );
  } finally {
    await client.close();
  }
}

async function initiateOnce(command: (command: Document) => Promise<Document>, port: number): Promise<void> {
  const ALREADY_INITIALIZED = 23;
  const config = { _id: REPLICA_SET, members: [{ _id: 0, host: `127.0.0.1:${port}` }] };
  for (let attempt = 1; ; attempt++) {
    try {
      await command({ replSetInitiate: config });
      return;
    } catch (error) {
      const { code } = error as { code?: number };
      if (code === ALREADY_INITIALIZED) return; // a restart
      if (attempt === 50) throw error;
      await sleep(20);
    }
  }
}
