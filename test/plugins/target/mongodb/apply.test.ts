/** Changes applied to a real mongod: NimoShake's truth table, odd names, replays and repetitions. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { MigrationError } from "../../../../core/errors.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { Plugin } from "../../../../core/plugin/plugin.ts";
import type { Item, SourceRecord, Table, WriteResult } from "../../../../core/types.ts";
import change from "../../../../plugins/convert/change.ts";
import mchange from "../../../../plugins/convert/mchange.ts";
import raw from "../../../../plugins/convert/raw.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { type Scenario, scenario } from "../../../e2e/helpers.ts";
import { startMongoProxy } from "../../../stand-in/mongo-proxy.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { encodedChanges } from "./encoded-changes.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let s: Scenario;
let tables = 0;
beforeAll(async () => {
  s = await scenario();
});
afterAll(() => s[Symbol.asyncDispose]());

interface Change {
  event: SourceRecord["event"];
  op?: SourceRecord["op"];
  item?: Item;
  key: Item;
  replayed?: boolean;
}

interface Setup extends AsyncDisposable {
  table: Table;
  apply(...changes: Change[]): Promise<WriteResult>;
  documents(): Promise<Document[]>;
}

/** How changes come to the target. */
type Way = "as records" | "encoded";
const WAYS: Way[] = ["as records", "encoded"];

/** A collection with its primary indexes, and these documents. */
async function setUp(
  way: Way,
  settings: Record<string, string> = {},
  options: { convert?: Plugin; partition?: string; sort?: string; items?: Item[] } = {},
): Promise<Setup> {
  const { convert = change, partition = "pk", sort, items = [] } = options;
  const config = testConfig({ "target.address": s.mongoUri, ...settings, id: s.id });
  const ctx: OwnedContext = createContext({ config });
  await ctx.use(convert);
  await ctx.use(mongodb);
  const table = { ...testTable(partition, sort), name: `t${tables}`, targetName: `t${tables++}` };
  const target = ctx.role("target");
  const { signal } = ctx;
  await target.create(table, signal);
  await target.index(table, planIndexes(table, ctx.role("convert"), false), { signal });
  const self: Setup = {
    table,
    apply(...changes) {
      const records = changes.map(({ event, op, item, key, replayed }): SourceRecord => ({
        op: op ?? (item ? "put" : "delete"),
        event,
        keys: key,
        ...(item && { item: { ...key, ...item } }),
        ...(replayed && { replayed }),
        key: undefined,
        document: undefined,
      }));
      const unit = { phase: "incr", table, shard: "s" } as const;
      if (way === "encoded") return target.applyEncoded!(encodedChanges(ctx, unit, records), signal);
      ctx.role("convert").convert(records, table);
      return target.apply!({ unit, records }, signal);
    },
    documents: () => s.db.collection(table.targetName).find().sort({ _id: 1 }).toArray(),
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose](),
  };
  if (items.length > 0)
    await self.apply(...items.map((item): Change => ({ event: "REMOVE", key: item, item: {} })));
  return self;
}

const a: Item = { pk: { S: "a" } };
const one: Item = { n: { N: "1" }, old: { S: "x" } };
const two: Item = { n: { N: "2" } };
const plain = (documents: Document[]): object[] => documents.map(({ _id, ...rest }) => rest);

const UPSERT = "increase.executor.upsert";
const ON_DUP = "increase.executor.insert_on_dup_update";

describe.each(WAYS)("NimoShake's truth table, %s", (way) => {
  const there = { pk: "a", n: 1, old: "x" };
  const changed = { pk: "a", n: 2 };
  test.each<
    [string, Change, Record<string, string>, boolean, object[], Partial<WriteResult> | "DUPLICATE_KEY"]
  >([
    ["INSERT, not there", { event: "INSERT", key: a, item: two }, {}, false, [changed], { inserted: 1 }],
    ["INSERT, there", { event: "INSERT", key: a, item: two }, {}, true, [changed], { replaced: 1 }],
    [
      "INSERT, not there, strictly",
      { event: "INSERT", key: a, item: two },
      { [ON_DUP]: "false" },
      false,
      [changed],
      { inserted: 1 },
    ],
    [
      "INSERT, there, strictly",
      { event: "INSERT", key: a, item: two },
      { [ON_DUP]: "false" },
      true,
      [there],
      "DUPLICATE_KEY",
    ],
    [
      "INSERT, the same there, strictly",
      { event: "INSERT", key: a, item: one },
      { [ON_DUP]: "false" },
      true,
      [there],
      { duplicates: 1 },
    ],
    [
      "INSERT, there, strictly, replayed",
      { event: "INSERT", key: a, item: two, replayed: true },
      { [ON_DUP]: "false" },
      true,
      [changed],
      { replaced: 1 },
    ],
    ["MODIFY, there", { event: "MODIFY", key: a, item: two }, {}, true, [changed], { replaced: 1 }],
    ["MODIFY, not there", { event: "MODIFY", key: a, item: two }, {}, false, [changed], { inserted: 1 }],
    [
      "MODIFY, there, without upsert",
      { event: "MODIFY", key: a, item: two },
      { [UPSERT]: "false" },
      true,
      [changed],
      { replaced: 1 },
    ],
    [
      "MODIFY, not there, without upsert",
      { event: "MODIFY", key: a, item: two },
      { [UPSERT]: "false" },
      false,
      [],
      { missed: 1 },
    ],
    [
      "deleted and put again, strictly",
      { event: "REMOVE", key: a, item: two },
      { [ON_DUP]: "false", [UPSERT]: "false" },
      false,
      [changed],
      { inserted: 1 },
    ],
    ["REMOVE, there", { event: "REMOVE", key: a }, {}, true, [], { deleted: 1 }],
    ["REMOVE, not there", { event: "REMOVE", key: a }, {}, false, [], { missed: 1 }],
  ])("%s", async (_, each, settings, before, after, result) => {
    await using setup = await setUp(way, settings);
    if (before) await setup.apply({ event: "REMOVE", key: a, item: one });
    const [found] = await setup.documents();
    const applied = await setup.apply(each).catch((error: unknown) => error);
    if (result === "DUPLICATE_KEY") {
      expect(applied).toBeInstanceOf(MigrationError);
      const { code, message, hint } = applied as MigrationError;
      expect(code).toBe("DUPLICATE_KEY");
      expect(message).toContain(`table ${setup.table.name}, key {"pk":{"S":"a"}}`);
      expect(hint).toContain(ON_DUP);
    } else {
      const nothing = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, missed: 0 };
      expect(applied).toMatchObject({ ...nothing, ...result });
    }
    const documents = await setup.documents();
    expect(plain(documents)).toEqual(after);
    // a document that stays keeps its identity
    if (before && documents.length > 0) expect(documents[0]!["_id"]).toEqual(found!["_id"]);
  });
});

describe.each(WAYS)("a change, %s", (way) => {
  test("may be applied again and again", async () => {
    await using setup = await setUp(way);
    const changes: Change[] = [
      { event: "INSERT", key: { pk: { S: "b" } }, item: one },
      { event: "MODIFY", key: { pk: { S: "c" } }, item: two },
      { event: "REMOVE", key: a },
    ];
    for (let n = 0; n < 3; n++) await setup.apply(...changes);
    expect(new Set(plain(await setup.documents()))).toEqual(
      new Set([
        { pk: "b", n: 1, old: "x" },
        { pk: "c", n: 2 },
      ]),
    );
  });

  test.each(["$odd", "with.dot", "$a.b", "__proto__", "_bsontype", "", "a b"])(
    "of an attribute called %j updates as well as it inserts",
    async (name) => {
      await using setup = await setUp(way);
      for (const n of ["1", "2"]) {
        const item = JSON.parse(
          `{${JSON.stringify(name)}:{"M":{${JSON.stringify(name)}:{"N":"${n}"}}}}`,
        ) as Item;
        await setup.apply({ event: n === "1" ? "INSERT" : "MODIFY", key: a, item });
        const [{ _id, pk: _, ...document }, ...more] = (await setup.documents()) as [Document];
        expect(more).toEqual([]);
        expect(JSON.stringify(document)).toBe(
          JSON.stringify(JSON.parse(`{${JSON.stringify(name)}:{${JSON.stringify(name)}:${n}}}`)),
        );
      }
    },
  );

  test.each<[string, Plugin]>([
    ["change", change],
    ["mchange", mchange],
    ["raw", raw],
  ])("finds its document by the whole key, %s", async (_, convert) => {
    await using setup = await setUp(way, {}, { convert, partition: "pk:S", sort: "sk:N" });
    const key = (pk: string, sk: string): Item => ({ pk: { S: pk }, sk: { N: sk } });
    for (const [pk, sk] of [
      ["a", "1"],
      ["a", "2"],
      ["b", "1"],
      ["a", "1.5"],
    ] as const) {
      await setup.apply({ event: "INSERT", key: key(pk, sk), item: one });
    }
    await setup.apply(
      { event: "MODIFY", key: key("a", "2"), item: two },
      { event: "REMOVE", key: key("a", "1") },
    );
    const documents = await setup.documents();
    expect(documents.length).toBe(3);
    expect(JSON.stringify(plain(documents))).not.toContain(
      convert === raw ? '"sk":{"N":"1"},"n":{"N":"2"}' : '"sk":1,"n":2',
    );
  });

  test("of a table whose key is _id", async () => {
    await using setup = await setUp(way, {}, { partition: "_id" });
    const key: Item = { _id: { S: "x" } };
    await setup.apply({ event: "INSERT", key, item: one });
    await setup.apply({ event: "MODIFY", key, item: two });
    expect(await setup.documents()).toEqual([{ _id: "x", n: 2 }] as never);
    await setup.apply({ event: "REMOVE", key });
    expect(await setup.documents()).toEqual([]);
  });

  test("that is too large for MongoDB names table and key", async () => {
    await using setup = await setUp(way);
    const item: Item = { text: { S: "x".repeat(17 * 1024 * 1024) } };
    const error = await setup.apply({ event: "INSERT", key: a, item }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MigrationError);
    expect((error as MigrationError).code).toBe("DATA_UNFIT");
    expect((error as MigrationError).message).toContain('{"pk":{"S":"a"}}');
    expect((error as MigrationError).message.length).toBeLessThan(1000);
  });

  test("of many shards at once waits for its turn: no more are sent than there are lanes", async () => {
    let now = 0;
    let most = 0;
    await using proxy = await startMongoProxy(s.mongoUri, {
      until(command) {
        if (command !== "update") return undefined;
        most = Math.max(most, ++now);
        return sleep(20).then(() => void now--);
      },
    });
    await using setup = await setUp(way, {
      "target.address": proxy.uri,
      "full.concurrency": "1",
      "full.document.concurrency": "2",
    });
    const shards = Array.from({ length: 30 }, (_, n): Change => ({
      event: "MODIFY",
      key: { pk: { S: `k${n}` } },
      item: one,
    }));
    await Promise.all(shards.map((each) => setup.apply(each)));
    expect(proxy.count("update")).toBe(30);
    expect(most).toBe(2);
  });

  test("among thousands, more than one message holds", async () => {
    await using setup = await setUp(way);
    const text = "x".repeat(300_000);
    const changes = Array.from({ length: 150 }, (_, n): Change => ({
      event: n % 2 ? "INSERT" : "MODIFY",
      key: { pk: { S: `k${n}` } },
      item: { text: { S: text } },
    }));
    expect(await setup.apply(...changes)).toMatchObject({ inserted: 150, replaced: 0 });
    expect(await setup.apply(...changes)).toMatchObject({ inserted: 0, replaced: 150 });
  });
});

describe("an encoded INSERT", () => {
  const insert: Change = { event: "INSERT", key: a, item: two };
  const insertB: Change = { event: "INSERT", key: { pk: { S: "b" } }, item: two };
  const byKey = (documents: Document[]): object[] =>
    plain(documents.toSorted((one, other) => (one["pk"] < other["pk"] ? -1 : 1)));
  const both = [
    { pk: "a", n: 2 },
    { pk: "b", n: 2 },
  ];

  test.each<[string, (setup: Setup) => Promise<unknown>, number]>([
    ["as an insert where the key has a unique index", async () => {}, 1],
    ["as an upsert where it has none", ({ table }) => s.db.collection(table.targetName).dropIndexes(), 0],
  ])("is sent %s, and doubles nothing", async (_, prepare, inserts) => {
    await using proxy = await startMongoProxy(s.mongoUri, {});
    await using setup = await setUp("encoded", { "target.address": proxy.uri });
    await setup.apply({ event: "MODIFY", key: a, item: one });
    await prepare(setup);
    expect(await setup.apply(insert, insertB)).toMatchObject({ inserted: 1, replaced: 1, missed: 0 });
    expect(proxy.count("insert")).toBe(inserts);
    expect(byKey(await setup.documents())).toEqual(both);
    // Most were there: the next ones aren't tried.
    expect(await setup.apply(insert, insertB)).toMatchObject({ inserted: 0, replaced: 2 });
    expect(proxy.count("insert")).toBe(inserts);
  });

  test("whose answer was lost is there once", async () => {
    await using proxy = await startMongoProxy(s.mongoUri, {
      fate: (name, number) => (name === "insert" && number === 1 ? "lose" : "pass"),
    });
    await using setup = await setUp("encoded", { "target.address": proxy.uri });
    await setup.apply(insert, insertB);
    expect([proxy.lost, proxy.count("insert")]).toEqual([1, 2]);
    expect(byKey(await setup.documents())).toEqual(both);
  });
});

test("a change that was written already, as a look tells, is looked for again when the server is away", async () => {
  let refusals = 0;
  await using proxy = await startMongoProxy(s.mongoUri, {
    answer: (_, name) =>
      name === "find" && refusals++ < 4 ? { ok: 0, code: 91, errmsg: "shutting down" } : undefined,
  });
  await using setup = await setUp("as records", { "target.address": proxy.uri, [ON_DUP]: "false" });
  const insert: Change = { event: "INSERT", key: a, item: one };
  await setup.apply(insert);
  expect(await setup.apply(insert)).toMatchObject({ inserted: 0, duplicates: 1 });
  expect(refusals).toBeGreaterThan(4);
});
