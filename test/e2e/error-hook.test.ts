/** What an `error` hook decides, on real servers: retry, skip, stop. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dynamo, type Outcome, type Scenario, scenario, type Settings } from "./helpers.ts";
import type { Report } from "../../core/report/report.ts";
import { eventually } from "./eventually.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const ITEMS = 300;
/** Items that some hook dislikes. */
const BAD = [7, 8, 150, 299];

const items = Array.from({ length: ITEMS }, (_, n) => ({ pk: { S: `k${n}` }, n: { N: String(n) } }));
const keyOf = ({ pk }: { pk: { S: string } }): string => pk.S;

/** A plugin that throws at some items in a hook, and one that decides what becomes of it. */
function plugins({ folder }: Scenario, hook: string, decision: string): string {
  writeFileSync(
    join(folder, "picky.ts"),
    `export default {
  name: "picky",
  setup(ctx) {
    ctx.hook("${hook}", (e) => {
      for (const record of e.records) {
        if (record.item) record.item.touched = { N: String(Number(record.item.touched?.N ?? 0) + 1) };
        if (record.document) record.document.seen = (record.document.seen ?? 0) + 1;
        if (/^k(${BAD.join("|")})$/.test(record.keys.pk.S)) throw new Error("no " + record.keys.pk.S);
      }
    });
  },
};\n`,
  );
  writeFileSync(
    join(folder, "decide.ts"),
    `import { appendFileSync } from "node:fs";
let asked = 0;
export default {
  name: "decide",
  setup(ctx) {
    ctx.hook("error", (e) => {
      asked++;
      appendFileSync("asked.txt", [e.stage, e.attempt, e.error.code, e.batch?.records.length].join(" ") + "\\n");
      ${decision}
    });
  },
};\n`,
  );
  return "./picky.ts;./decide.ts";
}

const run = (s: Scenario, settings: Settings): Promise<Outcome> =>
  s.run([`-conf=${s.conf(s.settings({ "qps.full.batch_num": 50, ...settings }))}`]);

/** The lines of `<id>-skipped.jsonl`. */
function skipped({ folder, id }: Scenario): Record<string, unknown>[] {
  const path = join(folder, `${id}-skipped.jsonl`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const keysThere = async (s: Scenario, table: string): Promise<string[]> =>
  (await s.documents(table)).map((document) => String(document["pk"])).toSorted();
const all = items.map(keyOf).toSorted();
const good = items.filter(({ n }) => !BAD.includes(Number(n.N))).map(keyOf);

describe("skip leaves out what fails by itself and nothing else", () => {
  test.each(["fetch:after", "convert:before", "convert:after"])("in %s", async (hook) => {
    await using s = await scenario();
    const table = await s.table("t", { items });
    const outcome = await run(s, { plugins: plugins(s, hook, `e.action = "skip";`) });
    expect(outcome.code).toBe(0);
    expect(await keysThere(s, table)).toEqual(good.toSorted());
    const stage = hook === "fetch:after" ? "fetch" : "convert";
    const lines = skipped(s);
    expect(lines.map(({ keys }) => keyOf(keys as never)).toSorted()).toEqual(
      BAD.map((n) => `k${n}`).toSorted(),
    );
    for (const line of lines) {
      const n = Number(keyOf(line["keys"] as never).slice(1));
      expect(line).toMatchObject({ table, phase: "full", stage, op: "put", event: "SCAN", item: items[n]! });
      expect(line).toMatchObject({ code: "HOOK_FAILED", error: expect.stringContaining(`no k${n}`) });
    }
    // A hook that had begun on a page sees it anew, not what it has left of it.
    const touched = await s.db.collection(table).distinct(hook === "convert:after" ? "seen" : "touched");
    expect(touched).toEqual([1]);
    expect(outcome.stdout).toContain(`${BAD.length}`);
    expect(outcome.stdout).toContain("skipped");
  });

  test("what the target refuses, in both phases; positions and counts go on", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items });
    // MongoDB takes no name with a NUL, and the converter says so.
    const bad = (n: number) => ({ pk: { S: `bad${n}` }, m: { M: { "a\0b": { S: "x" } } } });
    await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: bad(1) });
    writeFileSync(
      join(s.folder, "skip.ts"),
      `export default { name: "skip", setup(ctx) { ctx.hook("error", (e) => void (e.action = "skip")); } };\n`,
    );
    const settings = { sync_mode: "all", "incr_sync.http_port": -1, plugins: "./skip.ts" };
    const running = s.start([`-conf=${s.conf(s.settings(settings))}`]);
    try {
      await eventually(async () => expect(await keysThere(s, table)).toEqual(all));
      await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: bad(2) });
      await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: "zz" } } });
      await eventually(async () => expect(await keysThere(s, table)).toEqual([...all, "zz"]));
    } finally {
      running.kill("SIGTERM");
    }
    expect((await running.done).code).toBe(143);
    expect(skipped(s).map(({ keys, phase }) => [keyOf(keys as never), phase])).toEqual([
      ["bad1", "full"],
      ["bad2", "incr"],
    ]);
  });
});

test("retry tries again, with pauses, and nothing doubles", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items });
  writeFileSync(
    join(s.folder, "flaky.ts"),
    `let calls = 0;
export default {
  name: "flaky",
  setup(ctx) {
    for (const hook of ["fetch:after", "convert:after", "write:before", "write:after", "checkpoint:before", "index:before", "fetch:before"])
      ctx.hook(hook, () => { if (++calls % 3 === 0) throw new Error(hook + " is flaky"); });
    ctx.hook("error", (e) => void (e.action = "retry"));
  },
};\n`,
  );
  expect(await run(s, { plugins: "./flaky.ts" })).toMatchObject({ code: 0 });
  expect(await keysThere(s, table)).toEqual(all);
  expect(skipped(s)).toEqual([]);
  expect(Object.keys(await s.indexes(table))).toHaveLength(2);
});

test.each([
  ["nobody decides", ""],
  ["an error hook says stop", `e.action = "stop";`],
  ["an error hook throws", `throw new Error("who knows");`],
])("%s: the run ends, and its checkpoint is behind that batch", async (_, decision) => {
  await using s = await scenario();
  const table = await s.table("t", { items });
  const outcome = await run(s, { plugins: plugins(s, "convert:after", decision) });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toMatch(
    /^error \[HOOK_FAILED\] a plugin's convert:after hook threw: no k\d+\nhint: .*\n$/,
  );
  expect(skipped(s)).toEqual([]);
  expect(await s.db.collection(table).countDocuments({ pk: { $in: BAD.map((n) => `k${n}`) } })).toBeLessThan(
    4,
  );
  // Corrected, it goes on, and all is there once.
  writeFileSync(join(s.folder, "picky.ts"), `export default { name: "picky", setup() {} };\n`);
  expect(await run(s, { plugins: "./picky.ts;./decide.ts" })).toMatchObject({ code: 0 });
  expect(await keysThere(s, table)).toEqual(all);
});

test("a plugin that changes a key and not the record's keys is refused", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: items.slice(0, 3) });
  writeFileSync(
    join(s.folder, "rekey.ts"),
    `export default { name: "rekey", setup(ctx) { ctx.hook("convert:after", (e) => { for (const r of e.records) r.document.pk += "!"; }); } };\n`,
  );
  const outcome = await run(s, { plugins: "./rekey.ts" });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain(
    `[HOOK_FAILED] a plugin changed the key attribute pk: table ${table}, key {"pk"`,
  );
});

test("an error that nobody catches stops the run: logged, in the report, and the state is saved", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: items.slice(0, 5) });
  writeFileSync(
    join(s.folder, "late.ts"),
    `export default {
  name: "late",
  setup(ctx) {
    ctx.hook("table:after", () => void setTimeout(() => { throw new Error("of a timer"); }, 1));
  },
};\n`,
  );
  const conf = s.conf(s.settings({ sync_mode: "all", "log.format": "json", plugins: "./late.ts" }));
  const { code, stderr } = await s.run([`-conf=${conf}`]);
  expect(code).toBe(1);
  const [failure, ...more] = stderr.trimEnd().split("\n");
  expect(more).toEqual([]);
  const told = {
    code: "INTERNAL",
    message: expect.stringContaining("nobody caught an error: Error: of a timer"),
  };
  expect(JSON.parse(failure!)).toMatchObject({ level: "error", ...told });
  const report = JSON.parse(readFileSync(join(s.folder, `${s.id}-report.json`), "utf8")) as Report;
  expect(report.outcome).toMatchObject({ kind: "failed", ...told });
  expect(report.warnings).toContainEqual(expect.objectContaining({ level: "error", message: told.message }));
  expect(await s.db.collection(table).countDocuments()).toBe(5);
});
