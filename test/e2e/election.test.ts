/** A target whose primary is replaced in the midst of a command: both members' answers, told by a stand-in. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { type ElectionPlan, startElection, type Struck } from "../stand-in/election.ts";
import { startStreams } from "../stand-in/streams.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";
import { change, expectModel, follow, positionsNoted, randomOf } from "./streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const COUNT = 1000;

/** Which command an election strikes: the nth of a name in a database whose name ends so. */
type Wanted = [command: string, database: string, number: number];

/** Elections that strike these commands, one after the other. */
function striking(plan: ElectionPlan, wanted: Wanted[]) {
  const left = [...wanted];
  let seen = 0;
  return {
    left,
    elects(name: string, read: () => Document): ElectionPlan | undefined {
      const [command, database = "", number] = left[0] ?? [];
      if (name !== command || !String(read()["$db"]).endsWith(database) || ++seen !== number)
        return undefined;
      left.shift();
      seen = 0;
      return plan;
    },
  };
}

const ways: [string, Omit<ElectionPlan, "struck">, Struck[]][] = [
  ["steps down", { killed: false, vacantMs: 500 }, ["refused", "interrupted", "unacknowledged", "executed"]],
  ["is killed", { killed: true, vacantMs: SECOND, backMs: SECOND }, ["executed", "unexecuted"]],
  ["isn't aware of it", { killed: false, vacantMs: 200, claimsMs: 2 * SECOND }, ["executed"]],
];
const cases = ways.flatMap(([way, plan, all]) =>
  all.map((struck): [Struck, string, ElectionPlan] => [struck, way, { ...plan, struck }]),
);

test.concurrent.each(cases)("a copy: %s, and its primary %s, five times: exact", async (_, __, plan) => {
  await using s = await scenario();
  await using source = await startStandIn({ tables: { t: { items: someItems(COUNT) } } });
  const { left, elects } = striking(plan, [
    ["create", "", 1],
    ["insert", "", 1],
    ["update", "-state", 2],
    ["insert", "", 3],
    ["createIndexes", "", 1],
  ]);
  await using election = await startElection(s.mongoUri, { elects });
  const settings = {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "full.document.write.batch": 25,
    "full.read.concurrency": 2,
    "qps.full": 5,
    "qps.full.batch_num": 20,
    "target.address": election.uri,
  };
  const run = await s.cli(settings);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(left).toEqual([]);
  expect(new Set((await s.documents("t")).map(({ pk }) => pk)).size).toBe(COUNT);
  expect(Object.keys(await s.indexes("t")).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
  await expectVerified(s, COUNT, { ...settings, "qps.full": 1000, "target.address": s.mongoUri });
});

test.concurrent.each(cases)("changes: %s, and its primary %s, five times: exact", async (_, __, plan) => {
  await using s = await scenario();
  await using streams = await startStreams({ tables: ["t"] });
  const { left, elects } = striking(plan, [
    ["update", s.id, 2],
    ["delete", s.id, 2],
    ["update", "-state", 2],
    ["update", "-checkpoint", 2],
    ["findAndModify", "-state", 1], // the lease's renewal
  ]);
  await using election = await startElection(s.mongoUri, { elects });
  const random = randomOf(11);
  change(streams, random, 60);
  const run = follow(s, streams, { "target.address": election.uri }, { patience: 60 * SECOND });
  try {
    await positionsNoted(streams);
    const deadline = Date.now() + 60 * SECOND;
    while (left.length > 0 && Date.now() < deadline) {
      // a save renews the lease, too: it is renewed by itself while nothing changes
      if (left[0]![0] !== "findAndModify") change(streams, random, 20);
      await sleep(100);
      await election.settled();
    }
    expect(left).toEqual([]);
    change(streams, random, 40);
    await expectModel(s, streams, run);
  } finally {
    await run.stop();
  }
});
