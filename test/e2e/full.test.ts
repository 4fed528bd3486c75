/** Whole runs: which tables, every item, in every kind of key, and what is shown at the end. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Attributes, Outcome, Scenario, Settings, TableSpec } from "./helpers.ts";
import { binary, int32, typed } from "./typed.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const ORIGINAL_CONF = resolve(import.meta.dir, "../fixtures/original.conf");

function lastLine({ stdout }: Outcome): string | undefined {
  return stdout.trimEnd().split("\n").at(-1);
}

/** The cells of a table's line in the summary. */
function summaryOf({ stdout }: Outcome, table: string): string[] {
  const line = stdout.split("\n").find((each) => each.includes("|") && each.includes(` ${table} `)) ?? "";
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

describe("keys and sizes", () => {
  const sorted = (type: string, values: string[]): Attributes[] =>
    values.flatMap((value) =>
      ["p", "q"].map((p) => ({ pk: { S: p }, sk: { [type]: value }, of: { S: `${p} ${value}` } })),
    );
  const many = someItems(700);
  const specs: Record<string, TableSpec> = {
    pk: { items: many },
    number: { key: ["pk:N"], items: Array.from({ length: 30 }, (_, i) => ({ pk: { N: String(i - 15) } })) },
    bytes: { key: ["pk:B"], items: ["AA==", "AAA=", "/w=="].map((B) => ({ pk: { B } })) },
    skS: { key: ["pk", "sk"], items: sorted("S", ["", "a", "é😀"].slice(1)) },
    skN: { key: ["pk", "sk:N"], items: sorted("N", ["-1.5", "0", "12345678901234567890"]) },
    skB: { key: ["pk", "sk:B"], items: sorted("B", ["AQ==", "Ag=="]) },
    secondary: {
      key: ["pk", "sk"],
      gsi: { byColor: ["color", "size:N"] },
      lsi: { bySize: ["pk", "size:N"] },
      items: [
        { pk: { S: "p" }, sk: { S: "s" }, color: { S: "red" }, size: { N: "4" } },
        { pk: { S: "p" }, sk: { S: "t" } },
      ],
    },
    empty: { key: ["pk", "sk"] },
  };
  const counts: Record<string, number> = {
    pk: 700,
    number: 30,
    bytes: 3,
    skS: 4,
    skN: 6,
    skB: 4,
    secondary: 2,
    empty: 0,
  };

  for (const [segments, parallel] of [
    [1, 1],
    [4, 3],
  ] as const) {
    test.concurrent(`${segments} segments, ${parallel} tables at once: every item arrives once`, async () => {
      await using s = await scenario();
      const names: Record<string, string> = {};
      for (const [name, spec] of Object.entries(specs)) names[name] = await s.table(name, spec);
      const run = await s.cli({
        "full.read.concurrency": segments,
        "full.concurrency": parallel,
        "qps.full.batch_num": 100,
        "full.document.write.batch": 60,
      });
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(await s.collections()).toEqual(Object.values(names).sort());
      for (const [name, count] of Object.entries(counts)) {
        expect([name, await s.db.collection(names[name]!).countDocuments({})]).toEqual([name, count]);
        expect([name, summaryOf(run, names[name]!)[1]]).toEqual([name, String(count)]);
      }
      expect(summaryOf(run, "total")[1]).toBe("749");
      await expectVerified(s, 749, { "full.read.concurrency": segments, "qps.full.batch_num": 100 });

      const copied = (await s.documents(names["pk"]!)).map(({ pk, n, text }) => typed([pk, n, text]));
      const expected = many.map((_, n) => typed([`k${n}`, int32(n), "x".repeat(20)]));
      expect(new Set(copied.map((each) => JSON.stringify(each)))).toEqual(
        new Set(expected.map((each) => JSON.stringify(each))),
      );
      const byBytes = await s.documents(names["skB"]!);
      expect(byBytes.map(({ sk, of }) => typed([sk, of]))).toEqual(
        [
          ["AQ==", "p AQ=="],
          ["Ag==", "p Ag=="],
          ["AQ==", "q AQ=="],
          ["Ag==", "q Ag=="],
        ].map(([sk, of]) => typed([binary(sk!), of])),
      );
    });
  }
});

describe("which tables", () => {
  const tables = Object.fromEntries(["a", "b", "c"].map((name) => [name, { items: someItems(2) }]));

  async function copied(lists: Settings): Promise<[Outcome, string[]]> {
    await using s = await scenario();
    await using source = await startStandIn({ tables });
    const run = await s.cli({ "source.endpoint_url": source.endpoint, ...lists });
    return [run, await s.collections()];
  }

  test.concurrent.each<[string, Settings, string[]]>([
    ["no list: all", { "filter.collection.white": "" }, ["a", "b", "c"]],
    ["white", { "filter.collection.white": "a;c" }, ["a", "c"]],
    ["white with blanks and an end", { "filter.collection.white": " a ; c; " }, ["a", "c"]],
    ["black", { "filter.collection.white": "", "filter.collection.black": "b" }, ["a", "c"]],
    [
      "black of what isn't there",
      { "filter.collection.white": "", "filter.collection.black": "x;B" },
      ["a", "b", "c"],
    ],
  ])("%s", async (_, lists, expected) => {
    const [run, collections] = await copied(lists);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(collections).toEqual(expected);
  });

  test.concurrent("both lists: all tables, with a warning", async () => {
    const [run, collections] = await copied({
      "filter.collection.white": "a",
      "filter.collection.black": "b",
    });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /WARN.*filter\.collection\.white and filter\.collection\.black are both given/,
    );
    expect(collections).toEqual(["a", "b", "c"]);
  });

  test.concurrent("250 tables, listed page by page", async () => {
    await using s = await scenario();
    const names = Array.from({ length: 250 }, (_, i) => `t${String(i).padStart(3, "0")}`);
    await using source = await startStandIn({
      tables: Object.fromEntries(names.map((name) => [name, { items: someItems(1) }])),
    });
    const progress = await s.migrate({
      "source.endpoint_url": source.endpoint,
      "filter.collection.white": "",
      "full.concurrency": 16,
      sync_schema_only: true,
    });
    expect(source.count("ListTables")).toBe(3);
    expect([...progress.tables.keys()]).toEqual(names);
    expect(await s.collections()).toEqual(names);
  });
});

describe("what is shown", () => {
  async function small(s: Scenario): Promise<string> {
    return s.table("shown", { items: someItems(5) });
  }

  test.concurrent.each<[string, Settings]>([
    ["log.level = none", { "log.level": "none" }],
    ["log.level = debug", { "log.level": "debug" }],
    ["a log file", { "log.file": "run.log" }],
    ["a log file at level none", { "log.file": "run.log", "log.level": "none", "log.buffer": false }],
    ["sync_schema_only", { sync_schema_only: true, "log.level": "error" }],
  ])("%s: the last line is full sync done!", async (_, settings) => {
    await using s = await scenario();
    await small(s);
    const run = await s.cli(settings);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(lastLine(run)).toBe("full sync done!");
    expect(run.stdout.split("full sync done!").length).toBe(2);
  });

  test.concurrent("the log file has all that is shown, and its lines, which standard output has not", async () => {
    await using s = await scenario();
    const table = await small(s);
    const run = await s.cli({ "log.file": "run.log" });
    expect(run.stdout).not.toContain("finish syncing table");
    const refused = await s.cli({ "log.file": "run.log" });
    expect(refused.code).toBe(2);
    const file = readFileSync(join(s.folder, "run.log"), "utf8").trimEnd();
    const lines = file.split("\n");
    expect(lines[0]).toMatch(
      new RegExp(
        `^\\[\\d{4}/.* UTC\\] \\[INFO\\] nimo-shake \\S+, id = ${s.id}, sync_mode = full; source: http://.*; target: .*, database ${s.id}; checkpoint: .*, database ${s.id}-checkpoint-state$`,
      ),
    );
    expect(file).toContain(`finish syncing table ${table}: 5 documents`);
    for (const line of `${run.stdout}${refused.stderr}`.trimEnd().split("\n")) expect(file).toContain(line);
    // An entry's further lines are indented.
    for (const line of lines) expect(line).toMatch(/^(\[\d{4}\/[^\]]* UTC\] \[(INFO|WARN|EROR)\] | {4})/);
  });

  test.concurrent("log.format = json: every line is an object, and a plugin's own too", async () => {
    await using s = await scenario();
    const table = await small(s);
    const code = `export default { name: "talk", setup(ctx) {
      console.log("from a plugin\\nin two lines");
      ctx.hook("table:after", ({ table }) => ctx.log.warn({ message: "seen", table: table.name, mine: 1 }));
    } };`;
    writeFileSync(join(s.folder, "talk.ts"), code);
    const json = { "log.format": "json", plugins: "./talk.ts" };
    const run = await s.cli(json);
    const lines = run.stdout.trimEnd().split("\n");
    expect(lines.pop()).toBe("full sync done!");
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const entry = { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), level: "info" };
    expect(objects).toContainEqual({ ...entry, message: "from a plugin\nin two lines" });
    expect(objects).toContainEqual({ ...entry, level: "warn", message: "seen", table, mine: 1 });
    expect(objects[0]).toMatchObject({
      ...entry,
      id: s.id,
      syncMode: "full",
      target: expect.stringContaining(s.id),
    });
    const summary = objects.filter(({ message }) => message === "summary of a table");
    expect(summary).toEqual([expect.objectContaining({ ...entry, table, written: 5, state: "done" })]);
    const again = await s.cli({ ...json, "log.file": "run.log" });
    const error = {
      ...entry,
      level: "error",
      code: "TARGET_EXISTS",
      message: expect.stringMatching(/^this migration is complete since /),
      hint: expect.stringContaining("nothing left to do"),
    };
    expect(JSON.parse(again.stderr)).toEqual(error);
    const file = readFileSync(join(s.folder, "run.log"), "utf8").trimEnd().split("\n");
    expect(JSON.parse(file.at(-1)!)).toEqual(error);
  });

  test.concurrent("the summary: items, indexes, overflowed numbers, and a total", async () => {
    await using s = await scenario();
    const plain = await small(s);
    const odd = await s.table("odd", {
      key: ["pk", "sk"],
      items: [{ pk: { S: "a" }, sk: { S: "b" }, v: { N: "1".repeat(38) } }],
    });
    const run = await s.cli();
    const [, items, , , , indexes, overflowed] = summaryOf(run, plain);
    expect([items, indexes, overflowed]).toEqual(["5", "2", "0"]);
    expect(summaryOf(run, odd)[6]).toBe("1");
    expect(summaryOf(run, "total")[1]).toBe("6");
  });
});

test.concurrent("sync_schema_only makes collections and indexes, and copies nothing", async () => {
  await using s = await scenario();
  const table = await s.table("schema", { items: someItems(3) });
  expect((await s.cli({ sync_schema_only: true })).code).toBe(0);
  expect(await s.db.collection(table).countDocuments({})).toBe(0);
  expect(Object.keys(await s.indexes(table)).sort()).toEqual(["pk_1 unique", "pk_hashed"]);
});

test.concurrent("a filter expression with values copies what matches", async () => {
  await using s = await scenario();
  const items = Array.from({ length: 20 }, (_, n) => ({
    pk: { S: `k${n}` },
    n: { N: String(n) },
    who: { S: n % 2 ? "x y" : "z" },
  }));
  const table = await s.table("filtered", { items });
  const settings = {
    "full.read.filter_expression": "n > :min AND who = :who",
    "full.read.filter_attributevalues": "min```N```10~~~who```S```x y",
  };
  const run = await s.cli(settings);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const documents = await s.documents(table);
  expect(documents.map(({ pk }) => pk)).toEqual(["k11", "k13", "k15", "k17", "k19"]);
  expect(summaryOf(run, table)[1]).toBe("5");
  await expectVerified(s, 5, settings);
});

test.concurrent("a filter expression without values works too", async () => {
  await using s = await scenario();
  const table = await s.table("exists", {
    items: [{ pk: { S: "a" }, mark: { BOOL: true } }, { pk: { S: "b" } }],
  });
  const settings = { "full.read.filter_expression": "attribute_exists(mark)" };
  expect((await s.cli(settings)).code).toBe(0);
  expect((await s.documents(table)).map(({ pk }) => pk)).toEqual(["a"]);
  await expectVerified(s, 1, settings);
});

test.concurrent("NimoShake's own conf runs as it is, but for what names the servers and is not built yet", async () => {
  await using s = await scenario();
  const table = await s.table("orig", {
    items: [
      { pk: { S: "in" }, _id: { S: "7" }, create_time: { N: "1646724207281" } },
      { pk: { S: "out" }, create_time: { N: "5" } },
    ],
  });
  const set = {
    ...s.settings(),
    "target.mongodb.type": "replica",
    "source.access_key_id": "AKIA",
    "source.secret_access_key": "s",
    system_profile: "-1",
  };
  const run = await s.run([
    `-conf=${ORIGINAL_CONF}`,
    ...Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]),
  ]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(lastLine(run)).toBe("full sync done!");
  expect((await s.documents(table)).map(({ pk, pre_id }) => [pk, pre_id])).toEqual([["in", "7"]]);
});
