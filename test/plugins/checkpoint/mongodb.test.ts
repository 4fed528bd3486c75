/** The checkpoint in MongoDB: its documents, its commands, and what is somebody else's. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Document, MongoClient } from "mongodb";
import type { Context } from "../../../core/plugin/context.ts";
import mongodb from "../../../plugins/checkpoint/mongodb.ts";
import { startMongod } from "../../servers/mongod.ts";
import { type MongoProxyOptions, startMongoProxy } from "../../stand-in/mongo-proxy.ts";
import { type BehindProxy, openPlaces, type Place, recorder } from "./mongodb/place.ts";
import { testTable } from "../../fakes/context.ts";
import { expectFailure, openCheckpoint, type Opened } from "./open.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;
const ONE = new Map([["0", 1]]);
const TWO = new Map([["0", 2]]);

let uri: string;
let client: MongoClient;
let temporaryDatabase: () => Place;
let behindProxy: BehindProxy;
beforeAll(async () => void ({ uri, client, make: temporaryDatabase, behindProxy } = await openPlaces()));
afterAll(() => client.close());

test("a row of a shard that is inserted twice at once, as a statement sent again may be, isn't there twice", async () => {
  const row = new Map([["s", { ShardId: "s", FatherId: "" }]]);
  const save = async (place: ReturnType<typeof temporaryDatabase>): Promise<Document[]> => {
    let refusals = 0;
    const twice = { ok: 1, n: 0, nModified: 0, writeErrors: [{ index: 0, code: 11000, errmsg: "twice" }] };
    // As the server answers whoever comes second, when both have the same _id.
    const answer = ({ update }: Document) => (update === "t" && refusals++ === 0 ? twice : undefined);
    await using proxy = await startMongoProxy(uri, { answer });
    const settings = { ...place.settings, "checkpoint.address": proxy.uri };
    await using opened = await openCheckpoint(mongodb, settings);
    await opened.checkpoint.save("shards:t", row);
    await opened.checkpoint.save("status", new Map([["status", "incr_sync"]]));
    const db = client.db(place.settings["checkpoint.db"]);
    const found = [
      ...(await db.collection("t").find().toArray()),
      await db.collection("status_table").findOne(),
    ];
    await db.dropDatabase();
    return found as Document[];
  };
  await using one = temporaryDatabase();
  await using other = temporaryDatabase();
  const found = await save(one);
  expect(found).toHaveLength(2);
  expect(await save(other)).toEqual(found);
});

const open = (settings: Record<string, string>): Promise<Opened> => openCheckpoint(mongodb, settings);

async function found(settings: Record<string, string>, name = "t"): Promise<unknown[]> {
  await using opened = await open(settings);
  return [...(await opened.checkpoint.load(name))];
}

describe("the database", () => {
  test("has a document a part, its state as text", async () => {
    await using place = temporaryDatabase();
    await using opened = await open(place.settings);
    await opened.checkpoint.save("table:t", new Map([["0", { $x: 1 }]]));
    expect(await place.states.find().toArray()).toEqual([
      {
        _id: { id: "app", name: "table:t", part: "0" },
        state: '{"$x":1}',
        updatedAt: expect.any(Date),
      },
    ]);
    expect(await place.db.listCollections({}, { nameOnly: true }).toArray()).toHaveLength(1);
    expect(opened.checkpoint.place).toBe(`database ${place.db.databaseName}`);
  });

  test("isn't made by a load or a clear", async () => {
    await using place = temporaryDatabase();
    await using opened = await open(place.settings);
    await opened.checkpoint.load("run");
    await opened.checkpoint.clear("run");
    expect(await place.db.listCollections().toArray()).toEqual([]);
  });

  test("is asked for a name's documents only, by _id, with majority", async () => {
    let filter: Document | undefined;
    const asked: Document[] = [];
    await using opened = await behindProxy({
      answer(command, name) {
        if (name === "find") asked.push(command);
        if (name === "find") filter = command["filter"] as Document;
        return undefined;
      },
    });
    const { checkpoint, place } = opened;
    for (const name of ["s", "t", "u"]) {
      await checkpoint.save(name, new Map(Array.from({ length: 50 }, (_, n) => [String(n), n])));
    }
    expect((await checkpoint.load("t")).size).toBe(50);
    expect(asked.at(-1)).toMatchObject({ readConcern: { level: "majority" } });
    const plan = await place.states.find(filter!).explain("executionStats");
    const { totalDocsExamined, totalKeysExamined } = plan["executionStats"];
    expect(totalDocsExamined).toBe(50);
    expect(totalKeysExamined).toBeLessThanOrEqual(51);
  });

  test("takes more at once than a command may have", async () => {
    await using place = temporaryDatabase();
    const parts = new Map(Array.from({ length: 20 }, (_, n) => [String(n), "é".repeat(1_000_000 + n)]));
    await using opened = await open(place.settings);
    await opened.checkpoint.save("t", parts);
    expect(new Map((await found(place.settings)) as [string, string][])).toEqual(parts);
  });

  test("gets several names in one command, in their order, none behind one that failed", async () => {
    const asked: Document[] = [];
    await using opened = await behindProxy({
      answer(command, name) {
        if (name === "update") asked.push(command);
        return undefined;
      },
    });
    await opened.checkpoint.saveInOrder!(
      new Map(["run", "table:a", "table:b"].map((name) => [name, new Map([["part", 1]])])),
    );
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ ordered: true, writeConcern: { w: "majority", j: true } });
    const names = (asked[0]!["updates"] as Document[]).map(({ q }) => q._id.name as string);
    expect(names).toEqual(["run", "table:a", "table:b"]);
  });

  test("with a state that is no JSON is refused", async () => {
    await using place = temporaryDatabase();
    await place.states.insertOne({ _id: { id: "app", name: "t", part: "0" }, state: '{"a":' });
    await expectFailure(found(place.settings), "CHECKPOINT_MISMATCH", place.db.databaseName, "--fresh");
  });
});

describe("NimoShake's database", () => {
  test("is of the first migration that keeps positions there; another one is refused, with both names", async () => {
    await using place = temporaryDatabase();
    const status = new Map([["status", "incr_sync"]]);
    const original = place.settings["checkpoint.db"];
    try {
      const opened = await Promise.all(
        ["a", "b"].map((id) => openCheckpoint(mongodb, place.settings, { id })),
      );
      // both at once
      const ends = await Promise.allSettled(
        opened.map(({ checkpoint }) => checkpoint.save("status", status)),
      );
      const [mine, other] = ends[0]!.status === "fulfilled" ? ["a", "b"] : ["b", "a"];
      expect(ends.filter((end) => end.status === "fulfilled")).toHaveLength(1);
      const { checkpoint } = opened[other === "a" ? 0 : 1]!;
      const refusal = [
        "CHECKPOINT_MISMATCH",
        `migration ${mine}`,
        `this one is ${other}`,
        "checkpoint.db",
      ] as const;
      await expectFailure(checkpoint.load("status"), ...refusal);
      await expectFailure(checkpoint.save("shards:t", new Map([["s", { ShardId: "s" }]])), ...refusal);
      await expectFailure(checkpoint.clear("status"), ...refusal);
      await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
      await using again = await openCheckpoint(mongodb, place.settings, { id: mine });
      expect([...(await again.checkpoint.load("status"))]).toEqual([...status]);
    } finally {
      await client.db(original).dropDatabase();
    }
  });

  test("has a status that stays where others' positions are", async () => {
    await using place = temporaryDatabase();
    const original = client.db(place.settings["checkpoint.db"]);
    try {
      await using opened = await openCheckpoint(mongodb, place.settings);
      const { checkpoint } = opened;
      await checkpoint.save("status", new Map([["status", "incr_sync"]]));
      await checkpoint.save("shards:t", new Map([["s", { ShardId: "s" }]]));
      await checkpoint.save("stream:t", new Map([["stream", { stream: "arn" }]]));
      const all = await checkpoint.left!();
      expect([all.names.sort(), all.shared]).toEqual([["shards:t", "status", "stream:t"], undefined]);
      await original.createCollection("orders");
      const { names, shared } = await checkpoint.left!();
      expect([names.sort(), shared]).toEqual([
        ["shards:t", "stream:t"],
        `status_table in database ${original.databaseName}`,
      ]);
    } finally {
      await original.dropDatabase();
    }
  });

  test("has no place for some tables", async () => {
    await using place = temporaryDatabase();
    await using opened = await open({ ...place.settings, sync_mode: "all" });
    const check = (...names: string[]): Promise<void> =>
      opened.checkpoint.check!(
        names.map((name) => testTable("pk", undefined, { name, targetName: name })),
        opened.ctx.signal,
      );
    await expectFailure(
      check("t", "status_table", "x".repeat(250), "system.t"),
      "TABLE_UNFIT",
      "status_table",
      "longer than 255 bytes",
      "table system.t",
    );
    await check("t", "Status_Table", "x".repeat(220));
  });
});

describe("a save", () => {
  test.concurrent("is durable, whatever the address says, and one command", async () => {
    const writes: Document[] = [];
    const place = temporaryDatabase();
    await using _ = place;
    await using proxy = await startMongoProxy(uri, {
      uriOptions: "?directConnection=true&w=1&journal=false",
      answer(command, name) {
        if (["update", "delete"].includes(name)) writes.push(command);
        return undefined;
      },
    });
    const { lines, log } = recorder();
    const settings = { ...place.settings, "checkpoint.address": proxy.uri };
    await using opened = await openCheckpoint(mongodb, settings, { log });
    await opened.checkpoint.save("t", new Map(Array.from({ length: 100 }, (_, n) => [String(n), n])));
    expect(writes).toHaveLength(1);
    await opened.checkpoint.clear("t");
    expect(writes).toHaveLength(3);
    for (const write of writes) {
      expect(write).toMatchObject({ writeConcern: { w: "majority", j: true } });
      expect(Number(write["maxTimeMS"])).toBeLessThan(90 * SECOND);
    }
    expect(lines).toEqual([expect.stringContaining("checkpoint.address asks for a weaker write concern")]);
  });

  test.concurrent.each<[string, MongoProxyOptions]>([
    ["whose answer is lost", { fate: (command, nth) => (command === "update" && nth < 3 ? "lose" : "pass") }],
    [
      "that a primary refuses while it steps down",
      { answer: firstUpdates({ ok: 0, code: 189, codeName: "PrimarySteppedDown", errmsg: "stepping down" }) },
    ],
    [
      "of which a part is refused for now",
      {
        answer: firstUpdates({ ok: 1, n: 0, writeErrors: [{ index: 0, code: 91, errmsg: "shutting down" }] }),
      },
    ],
    [
      "that isn't durable yet",
      { answer: firstUpdates({ ok: 1, n: 1, writeConcernError: { code: 64, errmsg: "waiting timed out" } }) },
    ],
  ])("%s is made again, with a warning", async (_, options) => {
    await using opened = await behindProxy(options);
    await opened.checkpoint.save("t", ONE);
    expect(opened.proxy.count("update")).toBe(3);
    expect(opened.lines).toHaveLength(2);
    expect(opened.lines[0]).toMatch(/saving to database states-.*; again in \d+ ms/);
    expect(await found({ ...opened.place.settings })).toEqual([["0", 1]]);
  });

  test.concurrent("waits for a server that is away, so long as patience lasts", async () => {
    await using opened = await behindProxy({}, 3 * SECOND);
    await opened.proxy.refuse();
    const saving = opened.checkpoint.save("t", ONE);
    await Bun.sleep(SECOND);
    await opened.proxy.accept();
    await saving;
    expect(await found(opened.place.settings)).toEqual([["0", 1]]);
  });

  test.concurrent("that fails for good says what may be missing", async () => {
    const errmsg = "not authorized on x to execute command";
    await using opened = await behindProxy({ answer: firstUpdates({ ok: 0, code: 13, errmsg }) });
    const database = opened.place.db.databaseName;
    await expectFailure(
      opened.checkpoint.save("t", ONE),
      "CHECKPOINT_FAILED",
      errmsg,
      `saving to database ${database}`,
      `grant the user in checkpoint.address the role readWrite on database ${database}`,
    );
    expect(opened.lines).toEqual([]);
    const reply = { ok: 1, n: 0, writeErrors: [{ index: 0, code: 14031, errmsg: "no room" }] };
    await using full = await behindProxy({ answer: firstUpdates(reply) });
    await expectFailure(full.checkpoint.save("t", ONE), "CHECKPOINT_FAILED", "no room", "checkpoint.address");
  });

  test.concurrent("that waits for its next try ends with the run", async () => {
    await using opened = await behindProxy({
      answer: firstUpdates({ ok: 0, code: 91, errmsg: "shutting down" }, 99),
    });
    const { checkpoint, ctx } = opened;
    const saving = expectFailure(checkpoint.save("t", ONE), "CHECKPOINT_FAILED", "shutting down");
    await Bun.sleep(2 * SECOND);
    const stopped = performance.now();
    ctx.stop(new Error("enough"));
    await saving;
    expect(performance.now() - stopped).toBeLessThan(SECOND);
  });

  test.concurrent("that isn't answered is waited for until the run is abandoned", async () => {
    await using opened = await behindProxy({ fate: (command) => (command === "update" ? "hold" : "pass") });
    const { checkpoint, ctx } = opened;
    const saving = expectFailure(checkpoint.save("t", ONE), "CHECKPOINT_FAILED");
    await Bun.sleep(200);
    ctx.stop(new Error("enough"));
    const stopped = performance.now();
    await saving;
    expect(ctx.abandon.aborted).toBe(true);
    expect(performance.now() - stopped).toBeLessThan(9 * SECOND);
  });
});

test.concurrent("an address where nobody answers, and one that can't be read", async () => {
  await using place = temporaryDatabase();
  const at = (address: string) => found({ ...place.settings, "checkpoint.address": address });
  // Another one than the target's, whose failure it would be.
  const away = at("mongodb://me:verySecret@127.0.0.1:2/");
  await expectFailure(
    away,
    "CHECKPOINT_FAILED",
    "connecting to checkpoint.address",
    "check checkpoint.address",
  );
  await expect(away).rejects.not.toThrow("verySecret");
  await expectFailure(at("mongodb://127.0.0.1:1/?nonsense=1"), "CONFIG_INVALID", "checkpoint.address");
});

test.concurrent("a single server that is no replica set", async () => {
  await using mongod = await startMongod({ own: true, replicaSet: false });
  const settings = { "checkpoint.type": "mongodb", "checkpoint.address": mongod.uri };
  await using opened = await open(settings);
  await opened.checkpoint.save("t", ONE);
  await opened.checkpoint.save("t", TWO);
  expect(await found(settings)).toEqual([["0", 2]]);
  await opened.checkpoint.clear("t");
  expect(await found(settings)).toEqual([]);
});

test.concurrent("kill -9 of the server while it is saved to, three times: all that was acknowledged is there", async () => {
  await using mongod = await startMongod({ own: true });
  const settings = { "checkpoint.type": "mongodb", "checkpoint.address": mongod.uri };
  await using opened = await open(settings);
  const { checkpoint, ctx } = opened;
  await checkpoint.load("t");
  let acknowledged = 0;
  const saving = saveUntilStopped(ctx, async (n) => {
    await checkpoint.save("t", new Map(Array.from({ length: 20 }, (_, part) => [String(part), n])));
    acknowledged = n;
  });
  const more = async (count: number): Promise<void> => {
    const enough = acknowledged + count;
    const isThere = (): boolean => acknowledged >= enough;
    while (!isThere()) await Bun.sleep(1);
  };
  for (let kill = 0; kill < 3; kill++) {
    await more(20);
    await Bun.sleep(Math.random() * 100);
    await mongod.kill9();
    const safe = acknowledged;
    await mongod.restart();
    const values = (await found(settings)).map((entry) => (entry as [string, number])[1]);
    expect(values).toHaveLength(20);
    for (const value of values) expect(value).toBeGreaterThanOrEqual(safe);
  }
  await more(1);
  ctx.stop(new Error("enough"));
  await saving;
  expect(new Set((await found(settings)).map((entry) => (entry as [string, number])[1]))).toEqual(
    new Set([acknowledged]),
  );
});

/** Calls with 1, 2, 3 … */
async function saveUntilStopped(ctx: Context, save: (n: number) => Promise<void>): Promise<void> {
  for (let n = 1; !ctx.signal.aborted; n++) await save(n);
}

/** Answers the first updates, usually two, in the server's place. */
function firstUpdates(reply: Document, count = 2): (command: Document, name: string) => Document | undefined {
  let answered = 0;
  return (_, name) => (name === "update" && answered++ < count ? reply : undefined);
}

test("what is asked for after it was closed opens no connection, which nobody would close", async () => {
  const opened = await openCheckpoint(mongodb, temporaryDatabase().settings);
  await opened.checkpoint.load("run");
  await opened.checkpoint.close?.();
  await expect(opened.checkpoint.load("run")).rejects.toThrow("closed");
  await opened[Symbol.asyncDispose]();
});
