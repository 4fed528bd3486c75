/** `verify` with bad input and bad servers: what is said, and an exit code that is never 3 where nothing was compared. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Document, MaxKey, MinKey } from "mongodb";
import type { RunVerifyOptions } from "../../core/run/verify.ts";
import { printError } from "../../bin/errors.ts";
import { keysFrom } from "../../core/verify/extent.ts";
import { type Misbehaviour, type StandInItem, startStandIn } from "../stand-in/dynamodb.ts";
import { startMongoProxy } from "../stand-in/mongo-proxy.ts";
import { diffOf } from "./diff-file.ts";
import { type Outcome, scenario, type Scenario, type Settings, someItems } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const COUNT = 60;

/** What the command line would say; it gives up soon. */
async function attempt(
  s: Scenario,
  settings: Settings = {},
  options: Partial<RunVerifyOptions> = {},
): Promise<Outcome> {
  let stderr = "";
  const stream = { write: (text: string) => (stderr += text) };
  const code = await s.verify(settings, { patience: SECOND, ...options }).then(
    ({ isDifferent }) => (isDifferent ? 3 : 0),
    (error: unknown) => printError(error, { debug: false, stream }),
  );
  return { code, stdout: "", stderr, ms: 0 };
}

describe("a source that doesn't answer is no difference", () => {
  const after =
    (operation: string, number: number, wrong: Misbehaviour) =>
    (call: { operation: string; number: number }): Misbehaviour | undefined =>
      call.operation === operation && call.number >= number ? wrong : undefined;

  test.concurrent.each<[string, ReturnType<typeof after>, string]>([
    ["hangs up half-way", after("Scan", 4, "hang up"), "SOURCE_UNREACHABLE"],
    ["is cut half-way", after("Scan", 4, "cut"), "SOURCE_UNREACHABLE"],
    ["throttles for ever", after("Scan", 4, { error: "ThrottlingException" }), "SOURCE_THROTTLED"],
    ["talks nonsense", after("Scan", 4, { text: "<html>" }), "SOURCE_FAILED"],
    ["refuses the looks", after("BatchGetItem", 1, { error: "AccessDeniedException" }), "SOURCE_DENIED"],
    ["hangs up on the looks", after("BatchGetItem", 1, "hang up"), "SOURCE_UNREACHABLE"],
    ["has lost the table", after("Scan", 4, { error: "ResourceNotFoundException" }), "SOURCE_GONE"],
    ["doesn't list", after("ListTables", 1, "hang up"), "SOURCE_UNREACHABLE"],
  ])("it %s", async (_, misbehave, code) => {
    await using s = await scenario();
    const tables = { t: { items: someItems(COUNT) } };
    const of = (endpoint: string): Settings => ({
      "source.endpoint_url": endpoint,
      "filter.collection.white": "",
      "qps.full.batch_num": 10,
      "source.session.max_retries": 1,
    });
    await using sound = await startStandIn({ tables });
    await s.migrate(of(sound.endpoint));
    await s.db.collection("t").updateOne({ pk: "k1" }, { $set: { more: 1 } });
    await s.db.collection("t").insertOne({ pk: "extra" });
    await using source = await startStandIn({ tables, misbehave });
    expectRefusal(await attempt(s, of(source.endpoint)), { exit: 1, code });
    // What was begun is gone on with, once it is there again.
    expect(await attempt(s, of(sound.endpoint))).toMatchObject({ code: 3, stderr: "" });
    expect(
      diffOf(s)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(["different", "extra"]);
  });
});

test.concurrent("a mongod that goes away half-way is exit 1", async () => {
  await using s = await scenario();
  await s.table("t", { items: someItems(1000) });
  await s.migrate();
  await using proxy = await startMongoProxy(s.mongoUri, {
    fate(command, number) {
      if (command === "find" && number === 2) void proxy.refuse();
      return "pass";
    },
  });
  const checkpoint = { "checkpoint.type": "file" };
  const run = await attempt(s, { ...checkpoint, "target.address": proxy.uri }, { patience: 2 * SECOND });
  expectRefusal(run, { exit: 1, code: "TARGET_UNREACHABLE" });
  expect(await attempt(s, checkpoint)).toMatchObject({ code: 0, stderr: "" });
});

describe("documents that somebody else has made", () => {
  /** Each type's number, and bytes of a value of it. */
  const ODD: [name: string, type: number, value: number[]][] = [
    ["undefined", 0x06, []],
    ["a regular expression", 0x0b, [0x61, 0, 0x69, 0]],
    ["a pointer", 0x0c, [2, 0, 0, 0, 0x61, 0, ...Array<number>(12).fill(7)]],
    ["code", 0x0d, [2, 0, 0, 0, 0x61, 0]],
    ["a symbol", 0x0e, [2, 0, 0, 0, 0x61, 0]],
    ["code with a scope", 0x0f, [15, 0, 0, 0, 2, 0, 0, 0, 0x61, 0, 5, 0, 0, 0, 0]],
    ["a timestamp", 0x11, [1, 0, 0, 0, 2, 0, 0, 0]],
    ["a date", 0x09, [0, 0, 0, 0, 0, 0, 0, 0x80]],
    ["the smallest key", 0xff, []],
    ["the largest key", 0x7f, []],
    ["not a number", 0x01, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
    ["an old kind of bytes", 0x05, [6, 0, 0, 0, 2, 2, 0, 0, 0, 1, 2]],
  ];

  function document(fields: [name: string, type: number, value: number[]][]): Buffer {
    const body = fields.flatMap(([name, type, value]) => [type, ...Buffer.from(name), 0, ...value]);
    const bytes = Buffer.from([0, 0, 0, 0, ...body, 0]);
    bytes.writeInt32LE(bytes.length);
    return bytes;
  }
  const text = (value: string): number[] => [value.length + 1, 0, 0, 0, ...Buffer.from(value), 0];

  test.concurrent("every type of BSON, in a field, as a key and as _id: found, and removed by a repair", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    const documents = s.db.collection(table);
    const bytes = ODD.flatMap(([, type, value], i) => [
      document([
        ["pk", 0x02, text(`extra${i}`)],
        ["v", type, value],
      ]),
      document([
        ["pk", type, value],
        ["n", 0x10, [1, 0, 0, 0]],
      ]),
      // No document has a regular expression, undefined or an array as its _id.
      ...([0x06, 0x0b].includes(type) ? [] : [document([["_id", type, value]])]),
    ]);
    let inserted = 0;
    for (const one of bytes) {
      const raw = await s.db
        .command({
          insert: table,
          documents: [
            BSON.deserialize(one, { bsonRegExp: true, promoteValues: false, promoteBuffers: false }),
          ],
          ordered: false,
        })
        .catch((error: Error) => ({ n: 0, error }));
      inserted += Number((raw as Document)["n"]);
    }
    expect(inserted).toBeGreaterThan(20);
    await documents.insertMany([{ pk: "" }, { pk: "long".repeat(1000) }]);
    await documents.insertOne({ pk: { a: new MinKey() }, m: new MaxKey() });
    const there = (await documents.countDocuments({})) - COUNT;
    const found = await attempt(s);
    expect(found).toMatchObject({ code: 3, stderr: "" });
    expect(new Set(diffOf(s).map(({ kind }) => kind))).toEqual(new Set(["extra"]));
    expect(diffOf(s)).toHaveLength(there);
    expect(await attempt(s, {}, { repair: { deletes: true } })).toMatchObject({ code: 0, stderr: "" });
    expect(await documents.countDocuments({})).toBe(COUNT);
    expect(await attempt(s)).toMatchObject({ code: 0, stderr: "" });
  });

  test.concurrent("an item's own document with such fields is different, and rewritten", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(COUNT) });
    await s.migrate();
    for (const [i, [, type, value]] of ODD.entries()) {
      const { v } = BSON.deserialize(document([["v", type, value]]), {
        bsonRegExp: true,
        promoteValues: false,
      });
      await s.db.collection(table).updateOne({ pk: `k${i}` }, { $set: { [`v${i}`]: v as unknown } });
    }
    expect(await attempt(s)).toMatchObject({ code: 3, stderr: "" });
    const paths = diffOf(s).map(({ path }) => path);
    // The driver leaves undefined out.
    expect(paths.toSorted()).toEqual(expect.arrayContaining(ODD.slice(1).map((_, i) => `v${i + 1}`)));
    expect(await attempt(s, {}, { repair: { deletes: true } })).toMatchObject({ code: 0, stderr: "" });
    expect(await attempt(s)).toMatchObject({ code: 0, stderr: "" });
  });

  test.concurrent("a view instead of a collection", async () => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(3) });
    await s.migrate({ id: s.id });
    await s.db.collection(table).rename("other");
    await s.db.createCollection(table, { viewOn: "other", pipeline: [] });
    const run = await attempt(s);
    expect([0, 1, 2, 3]).toContain(run.code);
    if (run.stderr !== "") expectRefusal(run, { exit: run.code, code: "TARGET_FAILED" });
  });
});

describe("a key file", () => {
  test.concurrent.each<[string, string | Buffer, string]>([
    ["garbage in its second line", '{"pk":{"S":"k1"}}\n{"pk":\n', "line 2 is no JSON object"],
    ["a number", "5\n", "line 1 is no JSON object"],
    ["a list", "[]\n", "line 1"],
    ["null", "null\n", "line 1 is no JSON object"],
    ["bytes", Buffer.from([0xff, 0xfe, 0, 1, 2, 10, 0]), "they are no UTF-8"],
    ["a key of another type", '{"pk":{"N":"1"}}\n', "pk isn't there as a value of type S"],
    ["a key that is null", '{"table":"T","key":null}\n', "pk isn't there as a value of type S"],
    ["a key that is text", '{"table":"T","key":"k1"}\n', "pk isn't there as a value of type S"],
    ["another attribute", '{"other":{"S":"1"}}\n', "pk isn't there as a value of type S"],
    ["an empty key", '{"pk":{"S":""}}\n', "is empty"],
  ])("with %s: file and line are named", async (_, content, says) => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(3) });
    await s.migrate();
    const path = join(s.folder, "keys.jsonl");
    writeFileSync(
      path,
      typeof content === "string" ? content.replace('"T"', JSON.stringify(table)) : content,
    );
    const run = await attempt(s, {}, { extent: keysFrom(path) });
    expectRefusal(run, { exit: 2, code: "USAGE", says: [says, "keys.jsonl"] });
  });

  test.concurrent("a folder, and nothing at all", async () => {
    await using s = await scenario();
    await s.table("t", { items: someItems(3) });
    await s.migrate();
    const folder = await attempt(s, {}, { extent: keysFrom(s.folder) });
    expectRefusal(folder, { exit: 2, code: "USAGE", says: ["can't be read", s.folder] });
    const path = join(s.folder, "keys.jsonl");
    writeFileSync(path, "\n  \n");
    expect(await attempt(s, {}, { extent: keysFrom(path) })).toMatchObject({ stderr: "" });
  });
});

describe("a working folder that takes nothing", () => {
  test.concurrent.each<[string, string]>([
    ["where the logs go", "-verify"],
    ["where the differences go", "-diff.jsonl"],
  ])("%s", async (_, name) => {
    await using s = await scenario();
    const table = await s.table("t", { items: someItems(3) });
    await s.migrate();
    await s.db.collection(table).insertOne({ pk: "extra" });
    const path = join(s.folder, `${s.id}${name}`);
    if (name === "-verify") writeFileSync(path, "mine");
    else mkdirSync(join(path, "mine"), { recursive: true });
    const run = await s.run(["verify", "-c", s.conf(s.settings()), "--settle", "0"]);
    expectRefusal(run, { exit: 1, code: "DISK_FAILED", says: [s.folder] });
    if (name === "-verify") expect(readFileSync(path, "utf8")).toBe("mine");
  });
});

test.concurrent("an item that no document can hold is named, as a run names it", async () => {
  await using s = await scenario();
  const tables = { t: { items: someItems(3) } };
  await using sound = await startStandIn({ tables });
  const settings = { "filter.collection.white": "" };
  await s.migrate({ ...settings, "source.endpoint_url": sound.endpoint });
  const large = { pk: { S: "large" }, v: { S: "x".repeat(17 * 1024 * 1024) } };
  await using source = await startStandIn({ tables: { t: { items: [...someItems(3), large] } } });
  const run = await attempt(s, { ...settings, "source.endpoint_url": source.endpoint });
  expectRefusal(run, { exit: 1, code: "DATA_UNFIT", says: ["table t", '{"pk":{"S":"large"}}'] });
});

test.concurrent("a dump that is damaged, and one that isn't finished", async () => {
  await using s = await scenario();
  await s.table("t", { items: someItems(300) });
  const settings = { "target.type": "file", "target.address": "out" };
  expect(await s.cli(settings)).toMatchObject({ code: 0 });
  const out = join(s.folder, "out");
  const names = readdirSync(out, { recursive: true }) as string[];
  const dump = join(
    out,
    names.find((name) => name.endsWith(".bson"))!,
  );
  const whole = readFileSync(dump);
  writeFileSync(dump, whole.subarray(0, whole.length - 7));
  expectRefusal(await attempt(s, settings, { fresh: true }), {
    exit: 1,
    code: "TARGET_FAILED",
    says: [dump],
  });
  writeFileSync(dump, Buffer.concat([whole, Buffer.alloc(64)]));
  expectRefusal(await attempt(s, settings, { fresh: true }), {
    exit: 1,
    code: "TARGET_FAILED",
    says: [dump],
  });
  const garbled = Buffer.from(whole);
  garbled.fill(0xff, 4, 20);
  writeFileSync(dump, garbled);
  expectRefusal(await attempt(s, settings, { fresh: true }), {
    exit: 1,
    code: "TARGET_FAILED",
    says: ["no BSON"],
  });
});

test.concurrent("what was begun isn't gone on with when the target was made anew meanwhile", async () => {
  await using s = await scenario();
  const items = someItems(600);
  let broken = true;
  await using source = await startStandIn({
    tables: { t: { items } },
    misbehave: ({ operation, number }) =>
      broken && operation === "Scan" && number > 3 ? "hang up" : undefined,
  });
  broken = false;
  const settings = {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "qps.full.batch_num": 100,
    "target.db.exist": "drop",
  };
  await s.migrate(settings);
  broken = true;
  expectRefusal(await attempt(s, settings), { exit: 1, code: "SOURCE_UNREACHABLE" });
  broken = false;
  await s.migrate(settings);
  await s.db.collection("t").deleteOne({ pk: "k0" });
  expect(await attempt(s, settings)).toMatchObject({ code: 3, stderr: "" });
});

test.concurrent.each(["full", "all"])(
  "an item that changes from look to look, sync_mode = %s",
  async (mode) => {
    await using s = await scenario();
    let n = 0;
    const item = (): StandInItem => ({ pk: { S: "k0" }, n: { N: String(n++) } });
    await using source = await startStandIn({
      tables: { t: { items: [item()] } },
      misbehave: ({ operation }) =>
        operation === "BatchGetItem"
          ? { result: { Responses: { t: [item()] }, UnprocessedKeys: {} } }
          : undefined,
    });
    const settings = { "source.endpoint_url": source.endpoint, "filter.collection.white": "" };
    await s.migrate(settings);
    await s.db.collection("t").updateOne({ pk: "k0" }, { $set: { n: -1 } });
    const { tables, isDifferent } = await s.verify({ ...settings, sync_mode: mode }, { settle: 1 });
    // The target stands still: it gets no changes.
    expect([isDifferent, tables.get("t")]).toEqual([
      true,
      expect.objectContaining({ different: 1, undecided: 0, equal: 0 }),
    ]);
  },
);
