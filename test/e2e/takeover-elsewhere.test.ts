/** A checkpoint of NimoShake's where the configured one doesn't look: refused, before anything that it migrated is dropped. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Double } from "mongodb";
import { dynamo, scenario, type Scenario, type Settings } from "./helpers.ts";
import { leaveNimoShake } from "./nimoshake-left.ts";
import { expectRefusal } from "./refusals.ts";
import { enableStream, readAll, shardRow } from "./writer.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** As NimoShake's shipped file has it. */
const DROP: Settings = { sync_mode: "all", "target.db.exist": "drop", "incr_sync.http_port": -1 };

/** NimoShake's layout in one of its places, and what it has migrated. */
async function leave(s: Scenario, where: "file" | "mongodb", status = "incr_sync"): Promise<string> {
  const table = await s.table("t", { items: [] });
  const stream = await enableStream(s.dynamoEndpoint, table);
  await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: "k" }, n: { N: "1" } } });
  const row = shardRow(await readAll(s.dynamoEndpoint, stream), 0);
  await leaveNimoShake(s, table, row, { where, status });
  await s.db.collection(table).createIndex({ pk: 1 }, { unique: true });
  await s.db.collection(table).insertOne({ pk: "theirs", n: new Double(1) });
  return table;
}

const isThere = async (s: Scenario, table: string): Promise<boolean> =>
  (await s.db.collection(table).countDocuments({ pk: "theirs" })) === 1;

test.concurrent.each([
  [
    "file",
    {},
    { "checkpoint.type": "file" },
    "set checkpoint.type = file and leave checkpoint.address empty",
  ],
  [
    "file",
    { "checkpoint.type": "file", "checkpoint.address": "checkpoint" },
    { "checkpoint.type": "file" },
    "hint: leave checkpoint.address empty",
  ],
  ["mongodb", { "checkpoint.type": "file" }, {}, "set checkpoint.type = mongodb to go on"],
  [
    "mongodb",
    { "checkpoint.type": "file", "checkpoint.address": "checkpoint" },
    {},
    "set checkpoint.type = mongodb and leave checkpoint.address empty",
  ],
] as const)(
  "NimoShake's in %s, ours with %j: refused, and check says so; as the hint says it goes on",
  async (where, ours, right, hint) => {
    await using s = await scenario();
    const table = await leave(s, where);
    const place =
      where === "file" ? `folder ${join(s.folder, `${s.id}-checkpoint`)}` : `database ${s.id}-checkpoint at `;
    for (const mode of ["all", "incr"]) {
      const refused = await s.cli({ ...DROP, ...ours, sync_mode: mode });
      expectRefusal(refused, { exit: 2, code: "CHECKPOINT_MISMATCH", says: [place, hint, "--fresh"] });
      expect(await isThere(s, table)).toBe(true);
    }
    const check = (settings: Settings) =>
      s.run(["check", "-c", s.conf(s.settings({ ...DROP, ...settings }))]);
    const said = await check(ours);
    expect(said.code).toBe(2);
    expect(said.stdout).toContain("CHECKPOINT_MISMATCH");
    const taken = await check(right);
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining("NimoShake")]);
  },
);

test.concurrent("--fresh copies anew beside it, and the next start goes on with that", async () => {
  await using s = await scenario();
  const table = await leave(s, "file");
  const settings = { ...DROP, "filter.collection.white": table };
  const start = async (...args: string[]): Promise<string> => {
    const run = s.start([`-conf=${s.conf(s.settings(settings))}`, ...args]);
    const copied = async (): Promise<boolean> =>
      // A collection that is dropped meanwhile ends the question.
      (await s.db
        .collection(table)
        .countDocuments({ pk: "k" })
        .catch(() => 0)) === 1;
    while (!(await copied())) await Bun.sleep(50);
    await Bun.sleep(1000);
    run.kill("SIGTERM");
    const { code, stdout } = await run.done;
    expect(code).toBe(143);
    return stdout;
  };
  expect(await start("--fresh")).toContain("full sync done!");
  expect(await isThere(s, table)).toBe(false);
  expect(await start()).not.toContain("start syncing table");
});

test.concurrent("one that has only begun to copy, and one of other tables, are in nobody's way", async () => {
  await using s = await scenario();
  const table = await leave(s, "file", "full_sync");
  const check = async (): Promise<number> =>
    (await s.run(["check", "-c", s.conf(s.settings({ ...DROP, "filter.collection.white": table }))])).code;
  expect(await check()).toBe(0);
  await using other = await scenario();
  await leave(other, "file");
  const another = await other.table("u", { items: [] });
  const settings = other.settings({ ...DROP, "filter.collection.white": another });
  expect((await other.run(["check", "-c", other.conf(settings)])).code).toBe(0);
});
