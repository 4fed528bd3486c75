/** What is in a collection of a real mongod, whoever put it there: read, looked up, removed, its indexes. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BSON, type Collection, type Document, MongoClient } from "mongodb";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import type { Stored } from "../../../../core/plugin/stored.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { Item, Position, SourceRecord, Table } from "../../../../core/types.ts";
import change from "../../../../plugins/convert/change.ts";
import mchange from "../../../../plugins/convert/mchange.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { keyAttribute, testConfig, testTable } from "../../../fakes/context.ts";
import { sharedServers } from "../../../servers/shared.ts";
import { startMongos } from "../../../stand-in/mongos.ts";
import { startMongoProxy } from "../../../stand-in/mongo-proxy.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const { Binary, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId } = BSON;
const id = `stored-${process.pid.toString(36)}`;
let uri: string;
let client: MongoClient;
let tables = 0;
beforeAll(async () => {
  ({ mongoUri: uri } = await sharedServers());
  client = new MongoClient(uri);
});
afterAll(async () => {
  await client.db(id).dropDatabase();
  await client.close();
});

interface Setup extends AsyncDisposable {
  ctx: OwnedContext;
  table: Table;
  look: Required<Stored>;
  collection: Collection;
  records(...keys: Item[]): SourceRecord[];
  /** The `_id`s that reading gives, in canonical Extended JSON. */
  ids(from?: Position): Promise<string[]>;
}

async function setUp(
  partition = "pk",
  {
    sort,
    more,
    convert = change,
    address = uri,
    settings = {},
  }: {
    sort?: string;
    more?: Partial<Table>;
    convert?: typeof change;
    address?: string;
    settings?: Record<string, string>;
  } = {},
): Promise<Setup> {
  const ctx = createContext({
    config: testConfig({ id, "target.address": address, ...settings }),
    patience: 5000,
  });
  await ctx.use(convert);
  await ctx.use(mongodb);
  const name = `t${tables++}`;
  const table = testTable(partition, sort, { name, targetName: name, ...more });
  const look = ctx.role("target").stored as Required<Stored>;
  return {
    ctx,
    table,
    look,
    collection: client.db(id).collection(name),
    records(...keys) {
      const records = keys.map((key): SourceRecord => ({ op: "put", event: "SCAN", keys: key, item: key }));
      ctx.role("convert").convert(records, table);
      return records;
    },
    async ids(from) {
      const found: string[] = [];
      for await (const { bytes, ends } of look.read(table, from, ctx.signal)) {
        ends.forEach((end, i) => found.push(idText(look, bytes.slice(ends[i - 1] ?? 0, end))));
      }
      return found;
    },
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose](),
  };
}

const idText = (look: Required<Stored>, document: Uint8Array): string => JSON.stringify(look.idOf(document));
const textOf = (_id: unknown): string => BSON.EJSON.stringify(_id, { relaxed: false });

describe("reading", () => {
  test("ids of every type, in several pages, from any position on", async () => {
    await using s = await setUp();
    const some = (make: (n: number) => unknown): unknown[] => Array.from({ length: 150 }, (_, n) => make(n));
    const ids = [
      ...some((n) => new Int32(n)),
      ...some((n) => new Double(n + 0.5)),
      ...some((n) => Long.fromBigInt(2n ** 62n + BigInt(n))),
      ...some((n) => Decimal128.fromString(`${n}.25`)),
      ...some((n) => `text ${n}`),
      ...some((n) => ({ a: new Int32(n), b: { c: "x" } })),
      ...some((n) => new ObjectId(n.toString(16).padStart(24, "0"))),
      ...some((n) => new Date(n)),
      ...some((n) => new Binary(Buffer.from([n]), n % 2)),
      new MinKey(),
      false,
      true,
      new MaxKey(),
    ];
    await s.collection.insertMany(ids.map((_id) => ({ _id, pk: "x" })) as Document[]);
    // The driver would make one up.
    await client.db(id).command({ insert: s.collection.collectionName, documents: [{ _id: null, pk: "x" }] });
    const all = await s.ids();
    expect(all.toSorted()).toEqual([...ids, null].map(textOf).toSorted());
    let before = 0;
    let pages = 0;
    for await (const { ends, position } of s.look.read(s.table, undefined, s.ctx.signal)) {
      before += ends.length;
      pages++;
      if (position !== undefined) {
        expect(await s.ids(JSON.parse(JSON.stringify(position)))).toEqual(all.slice(before));
      }
    }
    expect(pages).toBeGreaterThan(1);
  });

  test("small documents behind large ones, where an answer ends early", async () => {
    await using s = await setUp();
    const sizes = [5, 12, ...Array.from({ length: 5 }, () => 0.001)];
    for (const [_id, size] of sizes.entries()) {
      await s.collection.insertOne({ _id, pk: "x", text: "x".repeat(size * 1024 * 1024) } as Document);
    }
    expect(await s.ids()).toEqual(sizes.map((_, n) => textOf(new Int32(n))));
  });

  test("documents of up to 16 MB", async () => {
    await using s = await setUp();
    const sizes = [9, 16, 16, 0.1];
    for (const [_id, size] of sizes.entries()) {
      const text = "x".repeat(size * 1024 * 1024 - 100);
      await s.collection.insertOne({ _id, pk: "x", text } as Document);
    }
    expect(await s.ids()).toEqual(sizes.map((_, n) => textOf(new Int32(n))));
  });

  test("what is there all the time comes once, whatever comes and goes", async () => {
    await using s = await setUp();
    const documents = Array.from({ length: 3000 }, (_, n) => ({
      _id: 2 * n,
      pk: `${n}`,
      text: "x".repeat(9000),
    }));
    await s.collection.insertMany(documents as Document[]);
    const seen: string[] = [];
    const gone = new Set<string>();
    for await (const { bytes, ends } of s.look.read(s.table, undefined, s.ctx.signal)) {
      ends.forEach((end, i) => seen.push(idText(s.look, bytes.slice(ends[i - 1] ?? 0, end))));
      if (ends.length === 0) continue;
      const last = Number(JSON.parse(seen.at(-1)!).$numberInt);
      for (const _id of [last, last + 2]) gone.add(textOf(new Int32(_id)));
      await s.collection.deleteMany({ _id: { $in: [last, last + 2] } } as Document);
      await s.collection.insertOne({ _id: last - 1, pk: "new" } as Document);
    }
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = documents.map(({ _id }) => textOf(new Int32(_id))).filter((text) => !gone.has(text));
    expect(stayed.filter((text) => !seen.includes(text))).toEqual([]);
  });

  test("answers that are lost are asked for again", async () => {
    await using proxy = await startMongoProxy(uri, {
      fate: (command, number) => (command === "find" && number % 2 === 1 ? "lose" : "pass"),
    });
    await using s = await setUp("pk", { address: proxy.uri });
    await s.collection.insertMany(Array.from({ length: 600 }, (_, n) => ({ pk: `${n}` })));
    expect(await s.ids()).toHaveLength(600);
    const found = await s.look.find(s.table, s.records({ pk: { S: "5" } }), s.ctx.signal);
    expect(found[0]).toHaveLength(1);
    expect(proxy.lost).toBeGreaterThan(2);
  });

  test("a server that stays away is named", async () => {
    await using proxy = await startMongoProxy(uri);
    await using s = await setUp("pk", { address: `${proxy.uri}&serverSelectionTimeoutMS=500` });
    await s.ids();
    await proxy.refuse();
    await expect(s.ids()).rejects.toThrow(expect.objectContaining({ code: "TARGET_UNREACHABLE" }));
  });
});

describe("looking up", () => {
  test("all documents of a key, and only those", async () => {
    await using s = await setUp("pk", { sort: "sk:N" });
    await s.collection.insertMany([
      { pk: "a", sk: new Int32(5), n: 1 },
      { pk: "a", sk: new Double(5), n: 2 },
      { pk: "a", sk: Decimal128.fromString("5.0"), n: 3 },
      { pk: new BSON.BSONSymbol("a"), sk: 5, n: 4 },
      { pk: ["a"], sk: 5, n: 5 },
      { pk: "a", sk: [5], n: 6 },
      { pk: "a", sk: "5", n: 7 },
      { pk: "a", n: 8 },
      { pk: "a", sk: Decimal128.fromString("0.1"), n: 9 },
      { pk: "a", sk: new Double(0.1), n: 10 },
      { pk: "b", sk: Long.fromString("5"), n: 11 },
    ]);
    const at = (pk: string, sk: string): Item => ({ pk: { S: pk }, sk: { N: sk } });
    const records = s.records(at("a", "5"), at("a", "0.1"), at("b", "5"), at("b", "6"), at("a", "5"));
    const found = await s.look.find(s.table, records, s.ctx.signal);
    const numbers = found.map((documents) =>
      documents.map((bytes) => BSON.deserialize(bytes)["n"] as number).sort((a, b) => a - b),
    );
    expect(numbers).toEqual([[1, 2, 3, 4], [9, 10], [11], [], [1, 2, 3, 4]]);
  });

  test("a double's key, stored as a decimal", async () => {
    await using s = await setUp("pk:N", { convert: mchange });
    await s.collection.insertMany([
      { pk: Decimal128.fromString("0.1") },
      { pk: 0.1 },
      { pk: new Double(1e30) },
    ]);
    const records = s.records({ pk: { N: "0.1" } }, { pk: { N: "1000000000000000019884624838656" } });
    const found = await s.look.find(s.table, records, s.ctx.signal);
    expect(found.map((documents) => documents.length)).toEqual([2, 1]);
  });

  test("key attributes whose names mean something to the driver", async () => {
    await using s = await setUp("_bsontype", { sort: "__proto__:N" });
    const key = JSON.parse('{ "_bsontype": { "S": "ObjectId" }, "__proto__": { "N": "1" } }') as Item;
    const records = s.records(key);
    const unit = { phase: "full", table: s.table, segment: 0, segments: 1 } as const;
    await s.ctx.role("target").write({ unit, records }, s.ctx.signal);
    expect((await s.look.find(s.table, records, s.ctx.signal))[0]).toHaveLength(1);
    expect(await s.look.remove(s.table, { records }, s.ctx.signal)).toBe(1);
    expect(await s.ids()).toEqual([]);
  });
});

describe("removing", () => {
  test("all documents of a key", async () => {
    await using s = await setUp("pk:N");
    await s.collection.insertMany([{ pk: 5 }, { pk: new Double(5) }, { pk: [5] }, { pk: 6 }]);
    expect(await s.look.remove(s.table, { records: s.records({ pk: { N: "5" } }) }, s.ctx.signal)).toBe(2);
    expect(await s.collection.countDocuments()).toBe(2);
  });

  test("documents without a key by their ids, and none with a key", async () => {
    await using s = await setUp("pk");
    const ids = [1, "x", { a: 1 }, null, new Date(5), new ObjectId(), Decimal128.fromString("7")];
    const values = [{}, { pk: 5 }, { pk: null }, { pk: ["a"] }, { pk: { S: "a" } }, {}, { pk: true }];
    await s.collection.insertMany(ids.map((_id, i) => ({ _id, ...values[i] })) as Document[]);
    await s.collection.insertOne({ _id: 99, pk: "a" } as Document);
    const found: unknown[] = [];
    for await (const { bytes, ends } of s.look.read(s.table, undefined, s.ctx.signal)) {
      s.look.digest(s.table, bytes, ends, (key, _, i) => {
        const isItem = key !== undefined && s.look.keyOf(s.table, key) !== undefined;
        if (!isItem) found.push(s.look.idOf(bytes.slice(ends[i - 1] ?? 0, ends[i])));
      });
    }
    expect(found).toHaveLength(ids.length);
    const given = JSON.parse(JSON.stringify([...found, { $numberInt: "99" }])) as unknown[];
    expect(await s.look.remove(s.table, { ids: given }, s.ctx.signal)).toBe(ids.length);
    expect(await s.ids()).toEqual([textOf(new Int32(99))]);
  });
});

test("removing in a sharded collection names the shard key: another shard may have the same _id", async () => {
  await using mongos = await startMongos(uri);
  await using s = await setUp("pk", { address: mongos.uri, settings: { "target.mongodb.type": "sharding" } });
  const documents = [{ _id: 1, pk: "a" }, { _id: 2, pk: 7 }, { _id: 3 }, { _id: 4, pk: "b" }];
  await s.collection.insertMany(documents as Document[]);
  expect(await s.look.remove(s.table, { records: s.records({ pk: { S: "a" } }) }, s.ctx.signal)).toBe(1);
  const ids = [1, 2, 3, 4].map((id) => ({ $numberInt: String(id) }));
  expect(await s.look.remove(s.table, { ids }, s.ctx.signal)).toBe(2);
  expect(await s.ids()).toEqual([textOf(new Int32(4))]);
  const filters = mongos
    .sent("delete")
    .flatMap(({ deletes }) => (deletes as Document[]).map(({ q }) => q as object));
  expect(JSON.parse(JSON.stringify(filters))).toEqual([
    { _id: 1, pk: "a" },
    { _id: 2, pk: 7 },
    { _id: 3, pk: { $exists: false } },
  ]);
});

describe("indexes", () => {
  const secondary = [
    { name: "g", kind: "GSI" as const, partition: keyAttribute("g"), sort: keyAttribute("r:N") },
    { name: "h", kind: "GSI" as const, partition: keyAttribute("h") },
  ];

  /** What is wrong after something was done to a table's indexes, by the indexes' patterns. */
  async function faults(
    tamper: (collection: Collection) => Promise<unknown>,
    documents: Document[] = [{ pk: "a", sk: 1, g: "x", r: 1, h: "y" }],
  ): Promise<Record<string, string | undefined>> {
    await using s = await setUp("pk", { sort: "sk:N", more: { secondary } });
    await s.collection.insertMany(documents);
    const planned = planIndexes(s.table, s.ctx.role("convert"), true);
    await s.ctx.role("target").index(s.table, planned, { signal: s.ctx.signal });
    await tamper(s.collection);
    const found = await s.look.indexes(s.table, planned, s.ctx.signal);
    return Object.fromEntries(
      found.map(({ wanted, found }) => [
        wanted.fields.map(({ path, kind }) => `${path} ${kind}`).join(),
        found,
      ]),
    );
  }

  const replace =
    (name: string, key: Document, options: Document = {}) =>
    async (collection: Collection): Promise<void> => {
      await collection.dropIndex(name);
      await collection.createIndex(key, options);
    };

  test("all there, and others beside them", async () => {
    expect(await faults((collection) => collection.createIndex({ other: 1 }))).toEqual({});
  });

  test.each<[string, (collection: Collection) => Promise<unknown>, string, string | undefined]>([
    ["missing", (c) => c.dropIndex("h_hashed"), "h hashed", undefined],
    ["of another kind", replace("h_hashed", { h: 1 }), "h hashed", "h_1 on h: 1"],
    ["descending", replace("g_1_r_1", { g: 1, r: -1 }), "g ascending,r ascending", "g_1_r_-1 on g: 1, r: -1"],
    [
      "in another order",
      replace("g_1_r_1", { r: 1, g: 1 }),
      "g ascending,r ascending",
      "r_1_g_1 on r: 1, g: 1",
    ],
    [
      "not unique",
      replace("pk_1_sk_1", { pk: 1, sk: 1 }),
      "pk ascending,sk ascending",
      "pk_1_sk_1 on pk: 1, sk: 1, not unique",
    ],
    [
      "sparse",
      replace("g_1_r_1", { g: 1, r: 1 }, { sparse: true }),
      "g ascending,r ascending",
      "g_1_r_1 on g: 1, r: 1, sparse",
    ],
    [
      "hidden",
      replace("h_hashed", { h: "hashed" }, { hidden: true }),
      "h hashed",
      "h_hashed on h: hashed, hidden",
    ],
    [
      "partial",
      replace("g_1_r_1", { g: 1, r: 1 }, { partialFilterExpression: { g: "x" } }),
      "g ascending,r ascending",
      "g_1_r_1 on g: 1, r: 1, partial",
    ],
    [
      "of a collation",
      replace("g_1_r_1", { g: 1, r: 1 }, { collation: { locale: "en" } }),
      "g ascending,r ascending",
      "g_1_r_1 on g: 1, r: 1, of a collation",
    ],
    [
      "of that name",
      replace("h_hashed", { other: 1 }, { name: "h_hashed" }),
      "h hashed",
      "h_hashed on other: 1",
    ],
  ])("%s", async (_, tamper, wanted, found) => {
    expect(await faults(tamper)).toEqual({ [wanted]: found });
  });

  test("what the data can't have is no fault, once it is as the copy leaves it", async () => {
    const documents = [{ pk: "a", sk: 1, g: ["x"], r: [1], h: ["y"] }];
    const nothing = async (): Promise<void> => {};
    expect(await faults(nothing, documents)).toEqual({});
    expect(await faults((c) => c.dropIndex("h_1"), documents)).toEqual({ "h hashed": undefined });
  });

  test("there is no collection", async () => {
    await using s = await setUp("pk");
    const planned = planIndexes(s.table, s.ctx.role("convert"), true);
    const found = await s.look.indexes(s.table, planned, s.ctx.signal);
    expect(found.map(({ wanted }) => wanted)).toEqual(planned);
  });
});
