/** Indexes on a real mongod: names that clash, what is there already, and data that an index can't have. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConsola } from "consola";
import { type Document, MongoClient } from "mongodb";
import type { MigrationError } from "../../../../core/errors.ts";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { Target } from "../../../../core/plugin/roles.ts";
import type { Batch, Item, SecondaryIndex, SourceRecord, Table } from "../../../../core/types.ts";
import change from "../../../../plugins/convert/change.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { keyAttribute, testConfig, testTable } from "../../../fakes/context.ts";
import { sharedServers } from "../../../servers/shared.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const never = new AbortController().signal;
const OPTIONS = { signal: never };
const PRIMARY = { pk_1: { pk: 1 }, pk_hashed: { pk: "hashed" } };

let client: MongoClient;
let mongoUri: string;
const id = `indexes-${process.pid}`;
beforeAll(async () => {
  ({ mongoUri } = await sharedServers());
  client = await new MongoClient(mongoUri).connect();
});
afterAll(async () => {
  await client.db(id).dropDatabase();
  await client.close();
});

/** A GSI from `h` or `h r`. */
function gsi(text: string): SecondaryIndex {
  const [partition, sort] = text.split(" ") as [string, string?];
  const keys = { partition: keyAttribute(partition), ...(sort && { sort: keyAttribute(sort) }) };
  return { name: text, kind: "GSI", ...keys };
}

interface Opened extends AsyncDisposable {
  ctx: OwnedContext;
  target: Target;
  warnings: string[];
  /** Builds the indexes that are planned. */
  index(table: Table): Promise<number>;
  /** Builds them before the first document. */
  first(table: Table): Promise<unknown>;
  /** Items as changes. */
  apply(table: Table, ...items: Item[]): Promise<unknown>;
  /** Items as a page's. */
  write(table: Table, ...items: Item[]): Promise<unknown>;
}

async function open(): Promise<Opened> {
  const warnings: string[] = [];
  const log = createConsola({
    reporters: [{ log: ({ type, args }) => void (type === "warn" && warnings.push(String(args[0]))) }],
  });
  const ctx = createContext({ config: testConfig({ id, "target.address": mongoUri }), log });
  await ctx.use(change);
  await ctx.use(mongodb);
  const [target, convert] = [ctx.role("target"), ctx.role("convert")];
  function batch(unit: Batch["unit"], event: SourceRecord["event"], items: Item[]): Batch {
    const records = items.map((item): SourceRecord => {
      const keys = { pk: item["pk"]! };
      return { op: "put", event, keys, item, key: undefined, document: undefined };
    });
    convert.convert(records, unit.table);
    return { unit, records };
  }
  return {
    ctx,
    target,
    warnings,
    index: (table) => target.index(table, planIndexes(table, convert, true), OPTIONS),
    first: (table) => target.indexFirst!(table, planIndexes(table, convert, true), never),
    apply: (table, ...items) =>
      target.apply!(batch({ phase: "incr", table, shard: "s" }, "MODIFY", items), never),
    write: (table, ...items) =>
      target.write(batch({ phase: "full", table, segment: 0, segments: 1 }, "SCAN", items), never),
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose](),
  };
}

let tables = 0;
function tableWith(...indexes: string[]): Table {
  const name = `t${tables++}`;
  return testTable("pk", undefined, { name, targetName: name, secondary: indexes.map(gsi) });
}

/** Name to key, ` unique` behind the unique ones' names. */
async function indexes({ targetName }: Table): Promise<Record<string, Document>> {
  const all = await client.db(id).collection(targetName).indexes();
  return Object.fromEntries(all.map(({ name, key }) => [name!, key]).filter(([name]) => name !== "_id_"));
}

const count = ({ targetName }: Table): Promise<number> =>
  client.db(id).collection(targetName).countDocuments({});
const LIST = { L: [{ S: "a" }, { S: "b" }] };

describe("the names", () => {
  test("of two that would have the same are two", async () => {
    await using opened = await open();
    const table = tableWith("line_1 line_2", "line 1_line_2");
    await opened.target.create(table, never);
    for (let run = 0; run < 2; run++) expect(await opened.index(table)).toBe(6);
    expect(await indexes(table)).toEqual({
      ...PRIMARY,
      line_1_hashed: { line_1: "hashed" },
      line_1_1_line_2_1: { line_1: 1, line_2: 1 },
      line_hashed: { line: "hashed" },
      "line_1_1_line_2_1-2": { line: 1, "1_line_2": 1 },
    });
    expect(opened.warnings).toEqual([]);
  });

  test("of others' indexes stay theirs, and what is there under another name is left", async () => {
    await using opened = await open();
    const table = tableWith("h r", "g");
    const collection = client.db(id).collection(table.targetName);
    await collection.createIndexes([
      { key: { pk: 1 }, name: "mine", unique: true },
      { key: { other: 1 }, name: "h_1_r_1" },
      { key: { g: "hashed" }, name: "by g" },
    ]);
    for (let run = 0; run < 2; run++) expect(await opened.index(table)).toBe(5);
    expect(await indexes(table)).toEqual({
      mine: { pk: 1 },
      pk_hashed: { pk: "hashed" },
      h_1_r_1: { other: 1 },
      h_hashed: { h: "hashed" },
      "h_1_r_1-2": { h: 1, r: 1 },
      "by g": { g: "hashed" },
    });
  });

  test("don't make an index unique that isn't", async () => {
    await using opened = await open();
    const table = tableWith();
    const collection = client.db(id).collection(table.targetName);
    await collection.createIndex({ pk: 1 });
    await opened.index(table);
    const unique = (await collection.indexes()).filter((index) => index.unique).map(({ key }) => key);
    expect(unique).toEqual([{ pk: 1 }]);
  });
});

test("built before the first document, they refuse a second one of a key as they do after it", async () => {
  const ends = await Promise.all(
    [true, false].map(async (before) => {
      await using opened = await open();
      const table = tableWith();
      await opened.target.create(table, never);
      const write = async (): Promise<unknown> => opened.write(table, { pk: { S: "1" } }, { pk: { S: "1" } });
      if (before) await opened.first(table);
      const end = before ? write() : write().then(() => opened.index(table));
      return await end.catch(({ code, hint }: MigrationError) => ({ code, hint }));
    }),
  );
  expect(ends[0]).toMatchObject({ code: "DUPLICATE_KEY" });
  expect(ends[0]).toEqual(ends[1]);
});

test("built before the first document, and the copy fails: another try of the same process replaces what is there", async () => {
  await using opened = await open();
  const table = tableWith();
  const items: Item[] = [{ pk: { S: "1" } }, { pk: { S: "2" } }];
  await opened.target.create(table, never);
  await opened.first(table);
  await opened.write(table, ...items);
  const begun = {
    units: [{ unit: { phase: "full", table, segment: 0, segments: 1 } as const, written: 0 }],
    indexes: planIndexes(table, opened.ctx.role("convert"), true),
  };
  await opened.target.resume(table, begun, never);
  expect(await opened.write(table, ...items)).toMatchObject({ replaced: 2 });
  expect(await count(table)).toBe(2);
});

describe("data that an index can't have", () => {
  test("before it is built: it becomes an ascending one, or is left out; the others stand", async () => {
    await using opened = await open();
    const table = tableWith("h", "a b", "fine r");
    await opened.target.create(table, never);
    await opened.write(
      table,
      { pk: { S: "1" }, h: LIST, a: LIST, b: { SS: ["x"] } },
      { pk: { S: "2" }, h: { S: "h" }, a: { S: "a" }, b: { NULL: true }, fine: { N: "1" } },
    );
    expect(await opened.index(table)).toBe(6);
    expect(await indexes(table)).toEqual({
      ...PRIMARY,
      h_1: { h: 1 },
      a_1: { a: 1 },
      fine_hashed: { fine: "hashed" },
      fine_1_r_1: { fine: 1, r: 1 },
    });
    const [first, second, third, ...more] = opened.warnings;
    expect(first).toMatch(new RegExp(`table ${table.name} .* index h_hashed: .*h; it becomes h_1$`));
    expect(second).toMatch(/index a_hashed: .* it becomes a_1$/);
    expect(third).toMatch(/index a_1_b_1: .*\[a\].*; it is left out$/);
    expect(more).toEqual([]);
  });

  test.each(["apply", "write"] as const)(
    "after it is built, %s: the same, and all is written",
    async (call) => {
      await using opened = await open();
      const table = tableWith("h", "a b", "fine r");
      await opened.target.create(table, never);
      await opened.index(table);
      const items = Array.from({ length: 20 }, (_, n): Item => ({
        pk: { S: `k${n}` },
        h: n % 2 ? LIST : { S: "h" },
        fine: { N: String(n) },
        ...(n % 5 === 0 && { a: { NS: ["1"] }, b: LIST }),
      }));
      await Promise.all([
        opened[call](table, ...items.slice(0, 10)),
        opened[call](table, ...items.slice(10)),
      ]);
      expect(await count(table)).toBe(20);
      expect(await indexes(table)).toEqual({
        ...PRIMARY,
        h_1: { h: 1 },
        a_1: { a: 1 },
        fine_hashed: { fine: "hashed" },
        fine_1_r_1: { fine: 1, r: 1 },
      });
      expect(opened.warnings.map((warning) => warning.split(" list or a set in ")[1]).toSorted()).toEqual([
        "a, b, which the index a_1_b_1 can't have: it is left out",
        "a, which the index a_hashed can't have: it becomes a_1",
        "h, which the index h_hashed can't have: it becomes h_1",
      ]);
      // In another process, which was told to build none, there is nothing in the way any more.
      await using next = await open();
      await next.apply(table, { pk: { S: "k1" }, h: LIST });
      expect(next.warnings).toEqual([]);
    },
  );

  test("built before the first document: as if they were built after it, and said once", async () => {
    await using opened = await open();
    const table = tableWith("h", "a b", "fine r");
    await opened.target.create(table, never);
    await opened.first(table);
    expect(Object.keys(await indexes(table))).toHaveLength(7);
    await opened.write(
      table,
      { pk: { S: "1" }, h: LIST, a: LIST, b: { SS: ["x"] } },
      { pk: { S: "2" }, h: { S: "h" }, a: { S: "a" }, b: { NULL: true }, fine: { N: "1" } },
    );
    expect(opened.warnings).toEqual([]);
    expect(await opened.index(table)).toBe(6);
    expect(await indexes(table)).toEqual({
      ...PRIMARY,
      h_1: { h: 1 },
      a_1: { a: 1 },
      fine_hashed: { fine: "hashed" },
      fine_1_r_1: { fine: 1, r: 1 },
    });
    expect(opened.warnings.map((warning) => warning.split(/; it |: Index/).at(-1))).toEqual([
      "becomes h_1",
      "becomes a_1",
      "is left out",
    ]);
  });

  test("a hashed index of several fields: a list in any of them makes it ascending", async () => {
    await using opened = await open();
    const table = tableWith();
    const partition = { partition: keyAttribute("h1"), furtherPartition: [keyAttribute("h2")] };
    table.secondary = [{ name: "both", kind: "GSI", ...partition }];
    await opened.target.create(table, never);
    await opened.index(table);
    expect(await indexes(table)).toEqual({ ...PRIMARY, h1_hashed_h2_1: { h1: "hashed", h2: 1 } });
    await opened.apply(table, { pk: { S: "k" }, h1: { S: "a" }, h2: LIST });
    expect(await indexes(table)).toEqual({ ...PRIMARY, h1_1_h2_1: { h1: 1, h2: 1 } });
    await opened.apply(table, { pk: { S: "k" }, h1: LIST, h2: LIST });
    expect(await indexes(table)).toEqual(PRIMARY);
    expect(await count(table)).toBe(1);
    expect(opened.warnings).toHaveLength(2);
  });

  test("an index of the user's own is the user's to mend", async () => {
    await using opened = await open();
    const table = tableWith();
    await opened.target.create(table, never);
    await opened.index(table);
    await client.db(id).collection(table.targetName).createIndex({ mine: "hashed" });
    const item: Item = { pk: { S: "k" }, mine: LIST };
    await expect(opened.apply(table, item)).rejects.toMatchObject({
      code: "DATA_UNFIT",
      message: expect.stringMatching(/array values.*mine.*key \{"pk"/),
    });
    expect(await indexes(table)).toHaveProperty("mine_hashed");
  });

  test("more indexes than a collection takes: the last are left out", async () => {
    await using opened = await open();
    const table = tableWith(...Array.from({ length: 70 }, (_, n) => `h${n}`));
    await opened.target.create(table, never);
    await opened.target.write(
      { unit: { phase: "full", table, segment: 0, segments: 1 }, records: [] },
      never,
    );
    expect(await opened.index(table)).toBe(63);
    expect(opened.warnings).toHaveLength(9);
    expect(opened.warnings[0]).toMatch(/too many indexes.*; it is left out$/);
  });

  test("the key's own indexes are never given up", async () => {
    await using opened = await open();
    const table = tableWith("h");
    await opened.target.create(table, never);
    await client
      .db(id)
      .collection(table.targetName)
      .insertOne({ pk: ["a"], h: ["b"] });
    await expect(opened.index(table)).rejects.toMatchObject({ code: "TARGET_FAILED" });
  });
});
