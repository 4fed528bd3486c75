/** The plugin `mask`: every type, every path, and keys. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { AttributeValue, Item, SourceRecord } from "../../../core/types.ts";
import exclude from "../../../plugins/transform/exclude.ts";
import mask from "../../../plugins/transform/mask.ts";
import rename from "../../../plugins/transform/rename.ts";
import { keyAttribute, testTable } from "../../fakes/context.ts";
import { type HookPlugin, hookPlugins, refusal } from "./hook-plugin.ts";

const SALT = "a secret salt";
const set = (options: Record<string, string>, settings?: Record<string, string>): Promise<HookPlugin> =>
  hookPlugins([[mask, { salt: SALT, ...options }]], settings);

const hex = (text: string | Buffer): string => createHmac("sha256", SALT).update(text).digest("hex");
const b64 = (...bytes: number[]): string => Buffer.from(bytes).toString("base64");
const hashedBytes = (...bytes: number[]): string =>
  Buffer.from(hex(Buffer.from(bytes)), "hex").toString("base64");

test.each<[AttributeValue, AttributeValue, AttributeValue]>([
  [{ S: "é" }, { S: hex("é") }, { S: "***" }],
  [{ S: "" }, { S: hex("") }, { S: "***" }],
  [{ N: "-1.5" }, { S: hex("-1.5") }, { N: "0" }],
  [{ B: b64(1, 2) }, { B: hashedBytes(1, 2) }, { B: "" }],
  [{ SS: ["a", "b"] }, { SS: [hex("a"), hex("b")] }, { SS: ["***"] }],
  [{ NS: ["1", "2"] }, { SS: [hex("1"), hex("2")] }, { NS: ["0"] }],
  [{ BS: [b64(1), b64(2)] }, { BS: [hashedBytes(1), hashedBytes(2)] }, { BS: [""] }],
  [{ BOOL: true }, { BOOL: true }, { BOOL: false }],
  [{ NULL: true }, { NULL: true }, { NULL: true }],
  [{ L: [{ S: "a" }, { BOOL: true }] }, { L: [{ S: hex("a") }, { BOOL: true }] }, { L: [] }],
  [
    JSON.parse('{"M": {"__proto__": {"N": "1"}, "l": {"L": []}}}') as AttributeValue,
    JSON.parse(`{"M": {"__proto__": {"S": "${hex("1")}"}, "l": {"L": []}}}`) as AttributeValue,
    { M: {} },
  ],
])("%j: hashed, redacted", async (value, hashed, redacted) => {
  const table = testTable("pk");
  const item = { pk: { S: "k" }, a: value, z: value };
  expect(await (await set({ attributes: "a" })).item(table, item)).toEqual({ ...item, a: hashed });
  const redacting = await set({ attributes: "a", method: "redact" });
  expect(await redacting.item(table, item)).toEqual({ ...item, a: redacted });
});

test("paths and patterns; one table's own list", async () => {
  const { item } = await set({ attributes: "m.s;x*", "attributes.u": "y", method: "redact" });
  const all: Item = {
    pk: { S: "k" },
    m: { L: [{ M: { s: { S: "a" }, t: { S: "b" } } }] },
    x1: { N: "5" },
    y: { S: "c" },
  };
  expect(await item(testTable("pk"), all)).toEqual({
    ...all,
    m: { L: [{ M: { s: { S: "***" }, t: { S: "b" } } }] },
    x1: { N: "0" },
  });
  expect(await item(testTable("pk", undefined, { name: "u" }), all)).toEqual({ ...all, y: { S: "***" } });
});

describe("a key attribute", () => {
  const image = (n: string): Item => ({ pk: { S: "k" }, sk: { N: "1" }, n: { N: n } });
  const hashed = (n: string): Item => ({ ...image(n), pk: { S: hex("k") } });
  const keys: Item = { pk: { S: "k" }, sk: { N: "1" } };
  const hashedKeys: Item = { pk: { S: hex("k") }, sk: { N: "1" } };
  test.each<[string, SourceRecord, Partial<SourceRecord>]>([
    ["scanned", { op: "put", event: "SCAN", keys, item: image("1") }, { item: hashed("1") }],
    ["an insert", { op: "put", event: "INSERT", keys, item: image("1") }, { item: hashed("1") }],
    [
      "a change",
      { op: "put", event: "MODIFY", keys, item: image("2"), oldItem: image("1") },
      { item: hashed("2"), oldItem: hashed("1") },
    ],
    ["a removal", { op: "delete", event: "REMOVE", keys, oldItem: image("1") }, { oldItem: hashed("1") }],
    ["a removal without its old image", { op: "delete", event: "REMOVE", keys }, {}],
  ])("%s: hashed in the images and in keys, once", async (_, record, expected) => {
    const { fetched } = await set({ attributes: "pk" });
    const table = testTable("pk", "sk:N");
    const { op, event } = record;
    const result = { op, event, keys: hashedKeys, ...expected };
    const phase = event === "SCAN" ? "full" : "incr";
    const records = await fetched(table, [{ ...record }], phase);
    expect(records).toEqual([result]);
    expect(await fetched(table, records, phase)).toEqual([result]);
  });

  test("behind rename it has its new name, and its old one in keys", async () => {
    const { before, fetched } = await hookPlugins([
      [rename, { attributes: "pk:id" }],
      [mask, { attributes: "id", salt: SALT }],
    ]);
    const table = testTable("pk");
    await before(table);
    const key = { pk: { S: "k" } };
    expect(await fetched(table, [{ op: "put", event: "SCAN", keys: key, item: { ...key } }])).toEqual([
      { op: "put", event: "SCAN", keys: { pk: { S: hex("k") } }, item: { id: { S: hex("k") } } },
    ]);
  });

  const secondary = [
    { name: "i", kind: "GSI" as const, partition: keyAttribute("g"), sort: keyAttribute("h:N") },
  ];
  const table = testTable("pk", "sk:N", { secondary });
  test.each<[Record<string, string>, Record<string, string>, string | undefined]>([
    [{ attributes: "pk;g" }, {}, undefined],
    [{ attributes: "sk" }, {}, "the hash of the key attribute sk, a number, is none: table t"],
    [{ attributes: "h" }, {}, "the hash of the key attribute h, a number, is none: table t"],
    [{ attributes: "h*" }, {}, "the hash of the key attribute h, a number, is none: table t"],
    [{ attributes: "pk", method: "redact" }, {}, "the key attribute pk would be the same in every item"],
    [{ attributes: "g", method: "redact" }, {}, "the key attribute g would be the same in every item"],
    [{ attributes: "a", method: "redact" }, { on_gap: "resync" }, undefined],
    [
      { attributes: "pk" },
      { on_gap: "resync" },
      "on_gap = resync can't be done when the key attribute pk is hashed",
    ],
    [{ attributes: "g" }, { on_gap: "resync" }, undefined],
    [{ attributes: "a", "attributes.t": "pk" }, { on_gap: "resync" }, "on_gap = resync can't be done"],
    [{ attributes: "pk", "attributes.t": "" }, { on_gap: "resync" }, undefined],
  ])("%j under %j", async (options, settings, says) => {
    const { before } = await set(options, settings);
    if (says === undefined) await before(structuredClone(table));
    else {
      const text = await refusal(before(structuredClone(table)));
      expect(text).toContain(says);
      expect(text).not.toContain(SALT);
    }
  });

  test("a pattern goes past the primary key, and says so once", async () => {
    const { before, fetched, log } = await set({ attributes: "*" });
    const lsi = { name: "l", kind: "LSI" as const, partition: keyAttribute("pk"), sort: keyAttribute("n") };
    const own = testTable("pk", "sk:N", { secondary: [lsi] });
    await before(own);
    expect(log).toEqual([
      "warn: plugin mask: no pattern hides the key attribute pk, name it: table t",
      "warn: plugin mask: no pattern hides the key attribute sk, name it: table t",
    ]);
    const [record] = await fetched(own, [{ op: "put", event: "SCAN", keys, item: image("1") }]);
    expect(record).toEqual({ op: "put", event: "SCAN", keys, item: { ...image("1"), n: { S: hex("1") } } });
  });
});

describe("options", () => {
  test("no salt is a warning, and still a hash", async () => {
    const { item, log } = await hookPlugins([[mask, { attributes: "a" }]]);
    expect(log).toEqual([
      "warn: plugin.mask.salt is empty: who knows the method can find short values by trying",
    ]);
    const found = await item(testTable("pk"), { pk: { S: "k" }, a: { S: "x" } });
    expect(found!["a"]).toEqual({ S: createHmac("sha256", "").update("x").digest("hex") });
    expect((await hookPlugins([[mask, { attributes: "a", method: "redact" }]])).log).toEqual([]);
  });

  test("no attributes, no hooks; a stranger's are a warning; the salt is nowhere in the log", async () => {
    const { ctx } = await set({});
    expect((["setup", "table:before", "fetch:after"] as const).some(ctx.listens)).toBe(false);
    const { setup, log } = await set({ "attributes.u": "a" });
    await setup([testTable("pk")]);
    expect(log).toEqual(["warn: plugin.mask.attributes.u: no table of this name is migrated"]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ method: "sha1" }, 'plugin.mask.method: "sha1" is no method (the methods are hash and redact)'],
    [{ salz: "x" }, "(the options are attributes, attributes.<table>, method, salt)"],
    [{ salt: 123_456 }, "salt: must be a text: plugin mask"],
  ])("%j is refused", async (options, says) => {
    const text = await refusal(set(options as Record<string, string>));
    expect(text).toContain(says);
    expect(text).not.toContain("123456");
    expect(text).not.toContain(SALT);
  });
});

test("what exclude leaves out isn't there to be masked", async () => {
  const { item } = await hookPlugins([
    [exclude, { attributes: "a" }],
    [mask, { attributes: "a;b", salt: SALT }],
  ]);
  const all: Item = { pk: { S: "k" }, a: { S: "x" }, b: { S: "y" } };
  expect(await item(testTable("pk"), all)).toEqual({ pk: { S: "k" }, b: { S: hex("y") } });
});
