/** The lease beside the states in MongoDB: what a primary that was replaced says, and tries that come too late. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Document, Long, type MongoClient } from "mongodb";
import { MigrationError } from "../../../../core/errors.ts";
import { thisProcess } from "../../../../core/host/process.ts";
import type { Checkpoint, Holder } from "../../../../core/plugin/roles.ts";
import mongodb from "../../../../plugins/checkpoint/mongodb.ts";
import { type BehindProxy, openPlaces } from "./place.ts";
import { expectFailure, openCheckpoint } from "../open.ts";

setDefaultTimeout(180_000);

const SECOND = 1000;

let client: MongoClient;
let behindProxy: BehindProxy;
beforeAll(async () => void ({ client, behindProxy } = await openPlaces()));
afterAll(() => client.close());

const holder = (token: string): Holder => ({ ...thisProcess(), token, since: new Date(0).toISOString() });
const [ours, other] = [holder("ours"), holder("other")];
const options = { ttl: 60 * SECOND };
const row = new Map([["s", { ShardId: "s" }]]);

test("the lease is taken, renewed and looked at by writes that a majority has", async () => {
  const commands: Document[] = [];
  const answer = (command: Document): undefined => void commands.push(command);
  await using opened = await behindProxy({ answer });
  const { checkpoint, place } = opened;
  const { lease } = checkpoint;
  /** How it was asked for, by what, and how durably. */
  const sent = async (work: () => Promise<unknown>): Promise<unknown[]> => {
    commands.length = 0;
    await work();
    const asked = commands.filter((each) => "find" in each || "findAndModify" in each);
    return asked.map((each) => [Object.keys(each)[0], each["writeConcern"], Number(each["maxTimeMS"])]);
  };
  const looked = [["findAndModify", { w: "majority", j: true }, 20 * SECOND]];
  try {
    expect(await sent(() => lease!.claim(ours, options))).toEqual(looked);
    expect(await sent(() => lease!.renew(ours))).toEqual(looked);
    await checkpoint.save("shards:t", row);
    expect(await sent(() => checkpoint.save("shards:t", row))).toEqual(looked);
    expect(await sent(() => checkpoint.remove!("shards:t", ["s"]))).toEqual(looked);
    // Whose the rows are is looked at, too.
    expect(await sent(() => checkpoint.clear("shards:t"))).toEqual([
      ...looked,
      ["find", undefined, 20 * SECOND],
    ]);
    expect(await sent(() => lease!.release(ours))).toEqual(looked);
  } finally {
    await client.db(place.settings["checkpoint.db"]).dropDatabase();
  }
});

test("saves of many tables at once look at the lease once or twice, and each of them after it was asked for", async () => {
  const tables = Array.from({ length: 20 }, (_, n) => `shards:t${n}`);
  let held: Promise<void> | undefined;
  await using opened = await behindProxy({
    until: (command) => (command === "findAndModify" ? held : undefined),
  });
  const { checkpoint, place, proxy } = opened;
  const saveAll = (): Promise<PromiseSettledResult<void>[]> =>
    Promise.allSettled(tables.map((name) => checkpoint.save(name, row)));
  try {
    await checkpoint.lease!.claim(ours, options);
    await saveAll();
    const before = proxy.count("findAndModify");
    await saveAll();
    expect(proxy.count("findAndModify") - before).toBeOneOf([1, 2]);

    const answers = Promise.withResolvers<void>();
    held = answers.promise;
    const renewed = async (): Promise<number> => {
      const lease: Document | null = await place.states.findOne({ "_id.name": "lease" });
      return Number(lease!["renewedAt"]);
    };
    const then = await renewed();
    const first = checkpoint.save("shards:first", row);
    // That look has found it to be ours, and its answer is on the way.
    while ((await renewed()) === then) await Bun.sleep(1);
    await using next = await openCheckpoint(mongodb, place.settings);
    await next.checkpoint.lease!.claim(other, { ...options, over: ours.token });
    const rest = saveAll();
    answers.resolve();
    held = undefined;
    await first.catch(() => {});
    for (const { status } of await rest) expect(status).toBe("rejected");
  } finally {
    await client.db(place.settings["checkpoint.db"]).dropDatabase();
  }
});

test("a lease that another one has isn't ours, whatever a primary reads that was replaced", async () => {
  let before: Document | undefined;
  const answer = (command: Document, name: string): Document | undefined =>
    name === "find" && command["filter"]._id?.name === "lease" && before !== undefined
      ? { ok: 1, cursor: { id: Long.ZERO, ns: "x.states", firstBatch: [before] } }
      : undefined;
  await using opened = await behindProxy({ answer });
  const { checkpoint, place } = opened;
  await checkpoint.lease!.claim(ours, options);
  before = (await place.states.findOne({ "_id.name": "lease" }))!;
  await using next = await openCheckpoint(mongodb, place.settings);
  await next.checkpoint.lease!.claim(other, { ...options, over: ours.token });
  try {
    expect(await checkpoint.lease!.renew(ours)).toBeUndefined();
    await expectFailure(checkpoint.save("shards:t", row), "ALREADY_RUNNING");
    await expectFailure(checkpoint.remove!("shards:t", ["s"]), "ALREADY_RUNNING");
    for (const name of ["t", "shards:t"]) await expectFailure(checkpoint.clear(name), "ALREADY_RUNNING");
    expect((await next.checkpoint.load("shards:t")).size).toBe(0);
  } finally {
    await client.db(place.settings["checkpoint.db"]).dropDatabase();
  }
});

test.each<[string, (checkpoint: Checkpoint) => Promise<void>]>([
  ["clear", (checkpoint) => checkpoint.clear("t")],
  ["remove", (checkpoint) => checkpoint.remove!("t", ["0"])],
])("a %s that is cut in two by a takeover doesn't forget what came after it", async (_, forget) => {
  let replaced: Promise<void> | undefined;
  await using opened = await behindProxy({ until: () => replaced });
  const { checkpoint, place } = opened;
  await checkpoint.lease!.claim(ours, options);
  await checkpoint.save("t", new Map([["0", 1]]));
  await using next = await openCheckpoint(mongodb, place.settings);
  const takeOver = Promise.withResolvers<void>();
  replaced = takeOver.promise;
  const renewed = async (): Promise<number> => {
    const lease: Document | null = await place.states.findOne({ "_id.name": "lease" });
    return Number(lease!["renewedAt"]);
  };
  const before = await renewed();
  const forgetting = forget(checkpoint).catch((error: unknown) => error);
  // The first half is done, and its answer on the way.
  while ((await renewed()) === before) await Bun.sleep(1);
  await next.checkpoint.lease!.claim(other, { ...options, over: ours.token });
  await next.checkpoint.save("t", new Map([["0", 2]]));
  takeOver.resolve();
  await forgetting;
  expect([...(await next.checkpoint.load("t"))]).toEqual([["0", 2]]);
  await expectFailure(checkpoint.save("t", new Map([["0", 3]])), "ALREADY_RUNNING");
});

test.each(["t", "shards:t"])(
  "a save of %s isn't made again once the run must not write any more",
  async (name) => {
    let mayWrite = true;
    const refusal = { ok: 0, code: 189, codeName: "PrimarySteppedDown", errmsg: "stepping down" };
    const collection = name === "t" ? "states" : "t";
    let tries = 0;
    await using opened = await behindProxy({
      answer({ update, updates }) {
        // the owner of NimoShake's place is noted before its rows
        if (update !== collection || updates?.[0]?.q?._id?.name === "owner") return undefined;
        mayWrite = false;
        return tries++ === 0 ? refusal : undefined;
      },
    });
    const { checkpoint, ctx } = opened;
    ctx.guard(() => {
      if (!mayWrite) throw new MigrationError("ALREADY_RUNNING", "another process has the lease");
    });

    await expectFailure(checkpoint.save(name, row), "ALREADY_RUNNING", "another process has the lease");
    expect(tries).toBe(1);
  },
);
