/** Bad input on the command line, in the conf, and at the target: what is said, the exit code, nothing written. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scenario, someItems } from "./helpers.ts";
import type { Attributes, Key, Scenario, Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";
import type { Refusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

let s: Scenario;
beforeAll(async () => {
  s = await scenario();
  await s.table("ready", { items: someItems(2) });
});
afterAll(() => s[Symbol.asyncDispose]());

const refused = (code: string, ...says: (string | RegExp)[]): Refusal => ({ exit: 2, code, says });
const failed = (code: string, ...says: (string | RegExp)[]): Refusal => ({ exit: 1, code, says });

async function expectNothingWritten(): Promise<void> {
  expect(await s.collections()).toEqual([]);
}

describe("the command line", () => {
  test.concurrent.each<[string, string[], Refusal]>([
    ["no conf", [], refused("USAGE", "-conf=")],
    ["a missing file", ["-conf=nowhere.conf"], refused("CONFIG_MISSING", "nowhere.conf", "no such file")],
    ["a folder", ["-conf=."], refused("CONFIG_MISSING", "folder")],
    ["an unknown command", ["frobnicate", "-c", "x"], refused("USAGE", "frobnicate")],
    ["an unknown flag", ["run", "-c", "x", "--frob"], refused("USAGE", "frob")],
    ["a flag without its value", ["run", "-c"], refused("USAGE")],
    ["an original flag misspelt", ["-config=x"], refused("USAGE")],
    ["two confs", ["-conf=a", "-conf=b"], refused("USAGE")],
    ["too many words", ["run", "more", "-c", "x"], refused("USAGE", "more")],
    ["verify without its conf", ["verify"], refused("USAGE", "-conf=")],
    [
      "verify with a missing file",
      ["verify", "-c", "nowhere.conf"],
      refused("CONFIG_MISSING", "nowhere.conf"),
    ],
    [
      "check with a sample that is none",
      ["check", "-c", "x", "--profile", "0"],
      refused("USAGE", "--profile 0"),
    ],
    ["worker, which is to come", ["worker", "-c", "x"], refused("NOT_YET", "worker: not yet")],
  ])("%s", async (_, args, refusal) => {
    expectRefusal(await s.run(args), refusal);
  });

  test.each([[["-version"]], [["--version"]], [["--help"]], [["-help"]]])(
    "%j is no failure",
    async (args) => {
      const run = await s.run(args);
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(run.stdout).toContain("nimo-shake");
    },
  );

  test.each<[string, string, RegExp]>([
    ["no key=value", "full.concurrency", /--set full\.concurrency: must look like key=value/],
    ["an unknown key", "full.concurency=3", /full\.concurency \(--set\): .*nearest is full\.concurrency/],
    [
      "a bad value",
      "full.concurrency=many",
      /full\.concurrency = "many" \(--set\): must be a whole number from 1 to 4096/,
    ],
  ])("--set with %s", async (_, set, says) => {
    expectRefusal(await s.cli({}, ["--set", set]), refused("CONFIG_INVALID", says));
    await expectNothingWritten();
  });
});

describe("the conf", () => {
  test.each<[string, Settings, Refusal]>([
    [
      "an unknown key",
      { "qps.ful": 3 },
      refused("CONFIG_INVALID", /qps\.ful \(\d+\.conf line 11\): .*qps\.full/),
    ],
    ["no address", { "target.address": "" }, refused("CONFIG_INVALID", /target\.address.*required/)],
    [
      "an address without its scheme",
      { "target.address": "127.0.0.1:27017" },
      refused("CONFIG_INVALID", "mongodb://"),
    ],
    [
      "an address with an unknown option",
      { "target.address": "mongodb://127.0.0.1/?frob=1" },
      refused("CONFIG_INVALID", "target.address", "frob"),
    ],
    [
      "an address with an impossible port",
      { "target.address": "mongodb://127.0.0.1:99999/" },
      refused("CONFIG_INVALID", "target.address"),
    ],
    [
      "a database name MongoDB hasn't",
      { id: "a.b" },
      refused("CONFIG_INVALID", /^error \[CONFIG_INVALID\] id = "a\.b"/),
    ],
    ["MongoDB's own database", { id: "admin" }, refused("CONFIG_INVALID", "admin, local and config")],
    [
      "a secret without its key",
      { "source.secret_access_key": "x" },
      refused("CONFIG_INVALID", "both or neither"),
    ],
    [
      "an endpoint that is no URL",
      { "source.endpoint_url": "127.0.0.1:8000" },
      refused("CONFIG_INVALID", "http://"),
    ],
    [
      "filter values in the wrong form",
      { "full.read.filter_expression": "a = :a", "full.read.filter_attributevalues": "a:N:1" },
      refused("CONFIG_INVALID", "name```type```value"),
    ],
    [
      "a filter variable without a value",
      { "full.read.filter_expression": "a = :a" },
      refused("CONFIG_INVALID", ":a"),
    ],
    ["an inline comment", { "qps.full": "10 # slow" }, refused("CONFIG_INVALID", "comment")],
    [
      "sync_mode = all into files",
      { sync_mode: "all", "target.type": "file", "target.address": "out" },
      refused("CONFIG_INVALID", "sync_mode", "must be full with target.type = file"),
    ],
    [
      "target.type = plugin, and none is one",
      { "target.type": "plugin" },
      refused("PLUGIN_INVALID", "no plugin provides the target"),
    ],
    ["sharding", { "target.mongodb.type": "sharding" }, refused("CONFIG_INVALID", "is no mongos")],
    ["convert.type = same", { "convert.type": "same" }, refused("CONFIG_INVALID", "not for mongodb")],
    ["plugins", { plugins: "./a.ts" }, refused("PLUGIN_INVALID", "plugin ./a.ts can't be loaded")],
  ])("%s", async (_, settings, refusal) => {
    expectRefusal(await s.cli(settings), refusal);
    await expectNothingWritten();
  });

  test("all problems are told at once, each with key, value, line and what is allowed", async () => {
    const path = join(s.folder, "bad.conf");
    writeFileSync(
      path,
      [
        "id = x",
        "sync_mode = half",
        "qps.full = 0",
        "full.concurrency = 5000",
        "nonsense",
        "log.buffer = yes",
        "target.db.exist = keep",
        "target.adress = mongodb://127.0.0.1",
        "source.session.timeout = -1",
      ].join("\n"),
    );
    const run = await s.run(["-conf", path]);
    expectRefusal(run, refused("CONFIG_INVALID", "9 problems"));
    for (const problem of [
      /sync_mode = "half" \(bad\.conf line 2\): must be one of all, full, incr/,
      /qps\.full = "0" \(bad\.conf line 3\): must be a whole number from 1 /,
      /full\.concurrency = "5000" \(bad\.conf line 4\): must be a whole number from 1 to 4096/,
      /bad\.conf line 5: no "="/,
      /log\.buffer = "yes" \(bad\.conf line 6\): must be true or false/,
      /target\.db\.exist = "keep" \(bad\.conf line 7\): must be one of rename, drop, or empty/,
      /target\.adress \(bad\.conf line 8\): .*target\.address/,
      /source\.session\.timeout = "-1" \(bad\.conf line 9\): must be a whole number from 0 /,
      /target\.address \(not given\): is required/,
    ])
      expect(run.stderr).toMatch(problem);
  });

  test("what is refused is in the log file too, and in its form", async () => {
    const path = join(s.folder, "json.conf");
    writeFileSync(path, "log.format = json\nlog.file = early.log\nqps.full = 0\nqps.ful = 1\n");
    const run = await s.run(["-conf", path]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(JSON.parse(run.stderr)).toMatchObject({
      level: "error",
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/^3 problems in the configuration: /),
    });
    expect(JSON.parse(readFileSync(join(s.folder, "early.log"), "utf8"))).toEqual({
      ...JSON.parse(run.stderr),
      time: expect.any(String),
    });
  });

  test("an empty file says what is missing", async () => {
    const path = join(s.folder, "empty.conf");
    writeFileSync(path, "");
    expectRefusal(await s.run(["-conf", path]), refused("CONFIG_INVALID", "target.address"));
  });
});

describe("servers", () => {
  test.each<[string, Settings, Refusal]>([
    [
      "nobody at the source",
      { "source.endpoint_url": "http://127.0.0.1:1" },
      failed(
        "SOURCE_UNREACHABLE",
        "no answer from http://127.0.0.1:1, the connection is refused",
        "source.endpoint_url",
      ),
    ],
    [
      "a source without an address",
      { "source.endpoint_url": "http://nowhere.invalid" },
      failed("SOURCE_UNREACHABLE", "http://nowhere.invalid, no address is known for that name"),
    ],
    [
      "no region",
      { "source.endpoint_url": "", "source.access_key_id": "a", "source.secret_access_key": "b" },
      refused("CONFIG_INVALID", "no region is known", "source.region"),
    ],
    [
      "no credentials",
      { "source.endpoint_url": "", "source.region": "us-east-1" },
      failed("SOURCE_DENIED", "source.access_key_id"),
    ],
    ["an unknown profile", { "source.profile": "nobody" }, failed("SOURCE_DENIED", "nobody")],
    [
      "nobody at the target",
      { "target.address": "mongodb://user:verySecret@127.0.0.1:1/" },
      failed("TARGET_UNREACHABLE", "target.address"),
    ],
    [
      "a target without an address",
      { "target.address": "mongodb://nowhere.invalid/" },
      failed("TARGET_UNREACHABLE"),
    ],
  ])("%s", async (_, settings, refusal) => {
    const run = await s.cli(settings);
    expectRefusal(run, refusal);
    expect(run.ms).toBeLessThan(15 * SECOND);
    expect(run.stdout + run.stderr).not.toContain("verySecret");
    await expectNothingWritten();
  });

  test("wrong credentials for the target", async () => {
    const address = new URL(s.mongoUri);
    address.username = "nobody";
    address.password = "wrong";
    const run = await s.cli({ "target.address": address.href });
    expectRefusal(run, failed("TARGET_DENIED", "user, password and authSource"));
    expect(run.ms).toBeLessThan(5 * SECOND);
    await expectNothingWritten();
  });
});

describe("items that can't be represented", () => {
  const number38 = "1".repeat(38);

  test.each<[string, Key, Attributes, Settings, Refusal]>([
    [
      "_id beside the key",
      ["pk"],
      { pk: { S: "bad" }, _id: { S: "x" } },
      {},
      failed("DATA_UNFIT", "convert._id", '{"pk":{"S":"bad"}}'),
    ],
    [
      "_id as a part of the key",
      ["_id", "sk"],
      { _id: { S: "bad" }, sk: { S: "x" } },
      {},
      failed("DATA_UNFIT", "convert._id"),
    ],
    [
      "_id beside pre_id",
      ["pk"],
      { pk: { S: "bad" }, _id: { S: "x" }, pre_id: { S: "y" } },
      { "convert._id": "pre" },
      failed("DATA_UNFIT", "pre_id", "bad"),
    ],
    [
      "_id beside pre_id in a map",
      ["pk"],
      { pk: { S: "bad" }, m: { M: { _id: { S: "x" }, pre_id: { S: "y" } } } },
      { "convert._id": "pre" },
      failed("DATA_UNFIT", "pre_id"),
    ],
    [
      "number_overflow = fail",
      ["pk"],
      { pk: { S: "bad" }, v: { L: [{ N: number38 }] } },
      { "convert.number_overflow": "fail" },
      failed("DATA_UNFIT", number38, "bad"),
    ],
    [
      "number_overflow = fail in the key",
      ["pk:N"],
      { pk: { N: number38 } },
      { "convert.number_overflow": "fail" },
      failed("DATA_UNFIT", number38),
    ],
    [
      "a key that would be rounded",
      ["pk:N"],
      { pk: { N: number38 } },
      { "convert.number_overflow": "round" },
      failed("DATA_UNFIT", "lose digits", number38),
    ],
    [
      "a key that a double can't hold",
      ["pk:N"],
      { pk: { N: "9007199254740993" } },
      { "convert.type": "mchange" },
      failed("DATA_UNFIT", "9007199254740993"),
    ],
  ])("%s", async (_, key, item, settings, refusal) => {
    await using own = await scenario();
    const table = await own.table("unfit", { key, items: [item] });
    const run = await own.cli(settings);
    expectRefusal(run, refusal);
    expect(run.stderr).toContain(`table ${table}`);
    expect(await own.db.collection(table).countDocuments({})).toBe(0);
  });
});
