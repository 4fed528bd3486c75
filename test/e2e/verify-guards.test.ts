/** What verify must not do: say equal of what it can't see, go on with what is old, repair what isn't this migration's. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { diffOf } from "./diff-file.ts";
import { type Outcome, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const COUNT = 20;
const REPAIR = { repair: { deletes: true } };

function verify(s: Scenario, args: string[], changes: Settings = {}): Promise<Outcome> {
  return s.run(["verify", "-c", s.conf(s.settings(changes)), "--settle", "0", ...args]);
}

test("keys that a plugin hashes can only be counted", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(COUNT) });
  const masked = { plugins: "mask", "plugin.mask.attributes": "pk", "plugin.mask.salt": "s" };
  expect(await s.cli(masked)).toMatchObject({ code: 0 });
  for (const args of [[], ["--sample", "100%"], ["--repair"]]) {
    expectRefusal(await verify(s, args, masked), { exit: 2, code: "PLUGIN_INVALID", says: [table] });
  }
  expect(await verify(s, ["--count-only"], masked)).toMatchObject({ code: 0 });
  const after = await s.cli({ ...masked, "verify.after_full": "full", "target.db.exist": "drop" }, [
    "--fresh",
  ]);
  expectRefusal(after, { exit: 2, code: "PLUGIN_INVALID", says: [table] });
  expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
});

test("what an error hook leaves out is neither equal nor extra, and no repair touches it", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(COUNT) });
  await s.migrate();
  await s.db.collection(table).updateOne({ pk: "k3" }, { $set: { n: -1 } });
  const away: Plugin = {
    name: "away",
    keepsKeys: true,
    setup(ctx) {
      ctx.hook("write:before", ({ records }) => {
        if (records.some(({ keys }) => keys["pk"]?.S !== "k3")) throw new Error("its service is away");
      });
      ctx.hook("error", (event) => void (event.action = "skip"));
    },
  };
  const { tables } = await s.verify({}, { plugins: [away], ...REPAIR });
  expect(tables.get(table)).toMatchObject({ extra: 0, undecided: COUNT - 1, repaired: 1 });
  expect(await s.db.collection(table).countDocuments({})).toBe(COUNT);
  expect(await s.db.collection(table).findOne({ pk: "k3" })).not.toMatchObject({ n: -1 });
});

describe("a comparison that was stopped", () => {
  test("when both sides were read isn't gone on with", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    await s.db.collection(table).insertOne({ pk: "extra" });
    const args = ["verify", "-c", s.conf(s.settings()), "--settle", "60s"];
    const run = s.start(args);
    while (!readdirSync(s.folder).some((name) => name.endsWith("-verify"))) await sleep(20);
    await sleep(2000);
    run.kill("SIGKILL");
    await run.done;
    await s.db.collection(table).deleteMany({ pk: { $ne: "k0" } });
    const { code, stdout } = await verify(s, ["--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([
      3,
      expect.objectContaining({ missing: COUNT - 1, extra: 0 }),
    ]);
  });

  test("with --follow, before a table was read, says nothing of it", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate({ sync_mode: "all" }, { signal: AbortSignal.timeout(4000) }).catch(() => {});
    await s.db.collection(table).deleteMany({});
    const run = s.start(["verify", "-c", s.conf(s.settings({ sync_mode: "all" })), "--follow", "--json"]);
    while (!readdirSync(s.folder).some((name) => name.endsWith("-verify.pid"))) await sleep(5);
    run.kill("SIGINT");
    const { code, stdout } = await run.done;
    expect(stdout === "" ? code : JSON.parse(stdout).isEqual).not.toBe(0);
    expect(stdout).not.toContain('"isEqual":true');
  });
});

describe("--repair is refused", () => {
  test.each<[string, Settings, string]>([
    ["where no run of this id has copied the table", { "checkpoint.db": "another" }, "no run of this id"],
    ["with another conversion than the copy's", { "convert.type": "mchange" }, "convert.type"],
    [
      "with a filter that only the Scan knows",
      { "full.read.filter_expression": "attribute_exists(pk)" },
      "filter",
    ],
  ])("%s", async (_, changes, says) => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    await s.db.collection(table).insertOne({ pk: "extra" });
    const { code, stderr } = await verify(s, ["--repair"], changes);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT + 1);
  });

  test("where another collection is there by now", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    await s.db.dropCollection(table);
    await s.db.collection(table).insertOne({ pk: "theirs" });
    const { code, stderr } = await verify(s, ["--repair"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("another collection")]);
    expect(await s.db.collection(table).countDocuments({})).toBe(1);
  });

  test("when most of what is there would be removed", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    await s.db.collection(table).insertMany(Array.from({ length: 150 }, (_, n) => ({ pk: `extra${n}` })));
    const { code, stderr } = await verify(s, ["--repair"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("150 of 170 documents have no item")]);
    expect(await s.db.collection(table).countDocuments({})).toBe(COUNT + 150);
  });
});

test("a stranger with any _id is removed, and a key is given in any spelling", async () => {
  await using s = await scenario();
  const bytes = await s.table("b", { key: ["pk:B"], items: [{ pk: { B: "YQ==" } }] });
  const numbers = await s.table("n", { key: ["pk:N"], items: [{ pk: { N: "100" } }] });
  await s.migrate();
  await s.db.collection<{ _id: string }>(bytes).insertOne({ _id: "ключ" });
  const file = join(s.folder, "keys.jsonl");
  const lines = [
    { table: bytes, key: { pk: { B: "YQ" } } },
    { table: numbers, key: { pk: { N: "1E2" } } },
  ];
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  expect(await verify(s, ["--keys", file, "--repair"])).toMatchObject({ code: 0 });
  expect(diffOf(s)).toEqual([]);
  writeFileSync(file, JSON.stringify({ table: numbers, key: { pk: { N: "abc" } } }));
  expectRefusal(await verify(s, ["--keys", file]), { exit: 2, code: "USAGE", says: ["line 1"] });
  expect(await verify(s, ["--repair"])).toMatchObject({ code: 0 });
  expect(await s.db.collection(bytes).find().toArray()).toHaveLength(1);
});
