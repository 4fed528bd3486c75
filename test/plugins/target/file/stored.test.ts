/** A dump read back: what isn't finished, torn, garbage or of another table has words; indexes are as the data allows. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { BSON } from "mongodb";
import type { Stored } from "../../../../core/plugin/stored.ts";
import type { Position, SourceRecord, TargetIndex } from "../../../../core/types.ts";
import { begun, INDEXES, NEVER, numbers, type Place, TABLE, temporaryPlace, write } from "./place.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** How many documents reading gives, from a position on. */
async function count(look: Stored, from?: Position): Promise<number> {
  let documents = 0;
  for await (const { bytes, ends } of look.read(TABLE, from, NEVER)) {
    look.digest(TABLE, bytes, ends, () => void documents++);
  }
  return documents;
}

/** A finished dump of these documents. */
async function dumped(
  place: Place,
  documents: Record<string, unknown>[],
  indexes = INDEXES,
): Promise<Stored> {
  const target = await begun(place);
  await write(target, 0, documents);
  await target.index(TABLE, indexes, { signal: NEVER });
  return target.stored!;
}

const failed = (text: string): object =>
  expect.objectContaining({ code: "TARGET_FAILED", message: expect.stringContaining(text) });

describe("reading", () => {
  test("a table whose parts aren't joined yet", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    await write(target, 0, numbers(0, 3));
    await expect(count(target.stored!)).rejects.toThrow(failed("the dump isn't finished"));
  });

  test("documents larger than what is read at once", async () => {
    using place = temporaryPlace();
    const text = "x".repeat(5 * 1024 * 1024);
    const look = await dumped(place, [
      { n: 0 },
      { n: 1, text: text + text + text },
      { n: 2, text },
      { n: 3 },
    ]);
    const positions: Position[] = [];
    for await (const { position } of look.read(TABLE, undefined, NEVER))
      if (position) positions.push(position);
    expect(await count(look)).toBe(4);
    expect(await Promise.all(positions.map((each) => count(look, each)))).toEqual([3, 2]);
  });

  test.each<[string, (path: string) => void]>([
    ["cut off", (path) => truncateSync(path, readFileSync(path).length - 3)],
    ["with zeros behind", (path) => appendFileSync(path, Buffer.alloc(100))],
    ["with a byte behind", (path) => appendFileSync(path, "x")],
    ["of garbage", (path) => writeFileSync(path, "this is no dump")],
    ["with a length of 2 GB", (path) => appendFileSync(path, Buffer.from([255, 255, 255, 127, 0]))],
    ["with a length of less than nothing", (path) => appendFileSync(path, Buffer.alloc(9, 255))],
  ])("a file %s", async (_, spoil) => {
    using place = temporaryPlace();
    const look = await dumped(place, numbers(0, 3));
    spoil(place.path("orders.bson"));
    await expect(count(look)).rejects.toThrow(failed("is no whole document"));
  });

  test("a document of garbage between its ends", async () => {
    using place = temporaryPlace();
    const look = await dumped(place, numbers(0, 3));
    appendFileSync(place.path("orders.bson"), Buffer.from([9, 0, 0, 0, 99, 99, 99, 99, 0]));
    await expect(count(look)).rejects.toThrow(failed("a document is no BSON"));
  });

  test("a position behind the end", async () => {
    using place = temporaryPlace();
    const look = await dumped(place, numbers(0, 3));
    await expect(count(look, { at: { N: "1000000" } })).rejects.toThrow(failed("at byte 1000000"));
  });
});

test("find gives all of a key", async () => {
  using place = temporaryPlace();
  const look = await dumped(place, [
    { n: 0, pk: "a", sk: "x" },
    { n: 1, pk: "a", sk: "y" },
    { n: 2, pk: "a", sk: "x" },
    { n: 3, pk: ["a"], sk: "x" },
    { n: 4 },
  ]);
  const record = (pk: string, sk: string): SourceRecord => ({
    op: "put",
    event: "SCAN",
    keys: { pk: { S: pk }, sk: { S: sk } },
    key: { pk, sk },
  });
  const found = await look.find(TABLE, [record("a", "x"), record("b", "x"), record("a", "y")], NEVER);
  expect(found.map((each) => each.map((bytes) => BSON.deserialize(bytes)["n"] as number))).toEqual([
    [0, 2],
    [],
    [1],
  ]);
});

describe("indexes", () => {
  const user = (...fields: TargetIndex["fields"]): TargetIndex => ({ fields, unique: false, origin: "user" });
  const byG = user({ path: "g", kind: "hashed" });
  const byGH = user({ path: "g", kind: "ascending" }, { path: "h", kind: "ascending" });
  const wanted = [...INDEXES, byG, byGH];

  test("what the data can't have is no fault", async () => {
    using place = temporaryPlace();
    const look = await dumped(place, [{ n: 0, g: ["x"], h: ["y"] }], wanted);
    expect(await look.indexes(TABLE, wanted, NEVER)).toEqual([]);
  });

  test.each<[string, (text: string) => string, (string | undefined)[]]>([
    [
      "missing",
      (text) => text.replace(/,\{"v":[^,]*,"key":\{"g":"hashed"\},"name":"g_hashed"\}/, ""),
      [undefined],
    ],
    [
      "of another kind",
      (text) => text.replace('"g":"hashed"', '"g":{"$numberInt":"1"}'),
      ["g_hashed on g: 1"],
    ],
    ["not unique", (text) => text.replace('"unique":true,', ""), ["pk_1_sk_1 on pk: 1, sk: 1, not unique"]],
    ["no metadata", () => "garbage", [undefined, undefined, undefined, undefined]],
  ])("%s", async (_, change, expected) => {
    using place = temporaryPlace();
    const look = await dumped(place, [{ n: 0, g: "x", h: "y" }], wanted);
    const path = place.path("orders.metadata.json");
    writeFileSync(path, change(readFileSync(path, "utf8")));
    expect((await look.indexes(TABLE, wanted, NEVER)).map(({ found }) => found)).toEqual(expected);
  });
});
