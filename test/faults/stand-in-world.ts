/**
 * The world of what stands in for servers: a source in memory whose shards split, rotate, are listed late and lose records,
 * and a target whose primary is replaced, before a real mongod.
 */
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { Settings } from "../e2e/helpers.ts";
import { type Mongod, startMongod } from "../servers/mongod.ts";
import { startElection } from "../stand-in/election.ts";
import { startStreams, type Streams } from "../stand-in/streams.ts";
import { type Change, type Request, SHAPES } from "./changes.ts";
import { foundAt } from "./found.ts";
import { startHttpFaults } from "./http-faults.ts";
import { createStriker, electionFaults } from "./kinds/election.ts";
import { httpFaults } from "./kinds/http.ts";
import { skewFaults } from "./kinds/machine.ts";
import { networkFaults } from "./kinds/network.ts";
import { processFaults } from "./kinds/process.ts";
import { shardFaults } from "./kinds/shards.ts";
import { steeringFaults } from "./kinds/steering.ts";
import { updated } from "./model.ts";
import type { Random } from "./random.ts";
import { SKEW } from "./servers-world.ts";
import { createShardWeather } from "./shard-weather.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import type { Fault, OpenWorld, Scene, Setup, World } from "./world.ts";

/** A table with more open shards has rotations only. */
const OPEN_SHARDS = 6;

/** See the top of the file. */
export const standInWorld: World = {
  name: "stand-ins",
  targets: ["mongodb"],
  async open() {
    const stack = new AsyncDisposableStack();
    const mongod = stack.use(await startMongod({ own: true }));
    const client = new MongoClient(mongod.uri);
    stack.defer(() => client.close());
    return {
      names: `a source in memory, two members' answers before ${mongod.name}`,
      missing: [],
      scene: (setup) => makeScene(mongod, client, setup),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    } satisfies OpenWorld;
  },
};

async function makeScene(
  mongod: Mongod,
  client: MongoClient,
  { id, folder, configuration, random }: Setup,
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const use = <T extends AsyncDisposable>(made: T): T => stack.use(made);
  const draws = random("stand-ins");
  const tables = SHAPES.map(({ name, keys }) => ({ name: `${name}.${id}`, keys }));
  const weather = createShardWeather(random("weather"));
  const streams = use(
    await startStreams({
      tables: tables.map(({ name }) => name),
      keys: Object.fromEntries(tables.map(({ name, keys }) => [name, keys.map(([of, type]) => [of, type])])),
      page: draws.between(2, 30),
      childFilter: draws.pick(["works", "works", "ignored", "refused"]),
      emptyEvery: draws.pick([0, 0, 2, 3]),
      scanPage: draws.between(5, 60),
      ...weather.options,
    }),
  );
  const http = use(await startHttpFaults(streams.source.endpoint));
  const toSource = use(await startTcpProxy(http.port));
  const striker = createStriker(id);
  const isElected = draws.chance(0.7);
  const election = isElected ? use(await startElection(mongod.uri, striker)) : undefined;
  const mongo = isElected ? undefined : use(await startTcpProxy(Number(new URL(mongod.uri).port)));
  stack.defer(async () => {
    for (const db of [id, `${id}-checkpoint`, `${id}-checkpoint-state`]) await client.db(db).dropDatabase();
  });
  const life = use(
    startLife(
      streams,
      tables.map(({ name }) => name),
      random("life"),
    ),
  );

  const mongoUri = election?.uri ?? `mongodb://127.0.0.1:${mongo!.port}/?directConnection=true`;
  const { checkpoint, plugin } = configuration;
  const settings: Settings = {
    "source.endpoint_url": `http://127.0.0.1:${toSource.port}`,
    "filter.collection.white": tables.map(({ name }) => name).join(";"),
    "target.address": mongoUri,
    "checkpoint.address": checkpoint === "mongodb" ? mongoUri : join(folder, "positions"),
    "increase.persist.dir": join(folder, "spool"),
    ...(plugin !== "none" && { plugins: resolve(import.meta.dir, "plugins", `${plugin}.ts`) }),
  };
  const sourceCodes = ["SOURCE_UNREACHABLE", "SOURCE_FAILED", "SOURCE_THROTTLED"] as const;
  const targetCodes = ["TARGET_UNREACHABLE", "TARGET_FAILED", "CHECKPOINT_FAILED"] as const;
  const shards = shardFaults({ streams, tables, weather }, configuration);
  const elections = election ? electionFaults(election, striker) : [];
  const faults: Fault[] = [
    ...processFaults,
    ...steeringFaults,
    ...networkFaults("source", toSource, sourceCodes),
    ...httpFaults("source", http, sourceCodes),
    ...(mongo ? networkFaults("mongod", mongo, targetCodes) : []),
    // drawn more often than what the other world has, too
    ...shards,
    ...shards,
    ...shards,
    ...elections,
    ...elections,
    ...skewFaults(join(folder, SKEW)),
  ];

  return {
    tables,
    settings,
    faults,
    async fill({ name }, items) {
      for (const item of items) streams.put(name, item);
    },
    change: async (request) => change(streams, request),
    found: (table) => foundAt("mongodb", table, { db: client.db(id), folder, endpoint: "" }),
    async calm() {
      http.spoil(undefined);
      weather.clear();
      life.end();
      await toSource.set({ kind: "pass" });
      await mongo?.set({ kind: "pass" });
      await election?.settled();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function change(streams: Streams, { changes }: Request): void {
  for (const each of changes) apply(streams, each);
}

function apply(streams: Streams, change: Change): void {
  const { name } = change.table;
  if (change.do === "put") return streams.put(name, change.item);
  const text = streams.textOf(name, change.key);
  if (change.do === "delete") return streams.remove(name, text);
  streams.put(name, updated(streams.model(name).get(text), change));
}

/** Shards end all along, as a stream's do: most have one child, some have two. */
function startLife(
  streams: Streams,
  tables: readonly string[],
  random: Random,
): AsyncDisposable & { end(): void } {
  const over = new AbortController();
  const pace = random.between(300, 4000);
  async function live(): Promise<void> {
    while (!over.signal.aborted) {
      await sleep(random.between(0, 2 * pace), undefined, { signal: over.signal });
      const table = random.pick(tables);
      const open = streams.open(table);
      streams.split(table, random.pick(open), open.length < OPEN_SHARDS && random.chance(0.3) ? 2 : 1);
    }
  }
  const ended = live().catch(() => {});
  return {
    end: () => over.abort(),
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}
