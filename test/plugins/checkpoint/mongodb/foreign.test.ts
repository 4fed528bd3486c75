/** Documents that another program or somebody by hand has made among the states. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Document, MongoClient } from "mongodb";
import { thisProcess } from "../../../../core/host/process.ts";
import { described } from "../../../../core/plugin/lease-lost.ts";
import type { Holder } from "../../../../core/plugin/roles.ts";
import mongodb from "../../../../plugins/checkpoint/mongodb.ts";
import { openCheckpoint } from "../open.ts";
import { openPlaces, type Places } from "./place.ts";

setDefaultTimeout(180_000);

const OURS: Holder = { ...thisProcess(), token: "ours", since: new Date(0).toISOString() };
const TTL = 60_000;

let client: MongoClient;
let make: Places["make"];
beforeAll(async () => void ({ client, make } = await openPlaces()));
afterAll(() => client.close());

test.each<[what: string, document: Document, isFree: boolean]>([
  ["no holder", {}, true],
  ["a holder that is none", { holder: "x", renewedAt: new Date() }, true],
  ["a holder of null", { holder: null, renewedAt: new Date() }, true],
  ["no time", { holder: { ...OURS, token: "other" } }, true],
  ["a time as text", { holder: { ...OURS, token: "other" }, renewedAt: "now" }, true],
  ["a token of another type", { holder: { token: 5 }, renewedAt: new Date() }, false],
])("a lease with %s", async (_, document, isFree) => {
  await using place = make();
  await using opened = await openCheckpoint(mongodb, place.settings);
  const { lease } = opened.checkpoint;
  const { holder } = await lease!.claim({ ...OURS, token: "first" }, { ttl: TTL });
  expect(holder.token).toBe("first");
  const [found] = await place.states.find().toArray();
  await place.states.replaceOne({ _id: found!._id }, document as never);
  expect(described((await lease!.find!())?.holder ?? OURS)).not.toContain("undefined");
  expect((await lease!.renew(OURS))?.holder.token).not.toBe("ours");
  const claimed = await lease!.claim(OURS, { ttl: TTL });
  expect(claimed.holder.token === "ours").toBe(isFree);
  expect(Number.isFinite(claimed.age)).toBe(true);
});

test.each<[what: string, state: unknown]>([
  ["a number", 5],
  ["an object", { a: 1 }],
  ["null", null],
  ["a text that is no JSON", "{"],
])("a state that is %s is CHECKPOINT_MISMATCH, and is still listed", async (_, state) => {
  await using place = make();
  await using opened = await openCheckpoint(mongodb, place.settings);
  const { checkpoint } = opened;
  await checkpoint.save("table:t", new Map([["0", 1]]));
  await place.states.updateMany({}, { $set: { state: state as string }, $unset: { updatedAt: "" } });
  await expect(checkpoint.load("table:t")).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH" });
  expect(await checkpoint.list!()).toEqual([{ name: "table:t", savedAt: 0 }]);
});
