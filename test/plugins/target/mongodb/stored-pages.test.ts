/** Pages of a sharded collection: the same `_id` may be on two shards, on both sides of where a page ends. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { BSON, type Db, type Document } from "mongodb";
import type { Position } from "../../../../core/types.ts";
import { storedPages } from "../../../../plugins/target/mongodb/stored-pages.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** So large that a page has six. */
const TEXT = "x".repeat(700_000);
/** The server ends an answer there. */
const ANSWER_BYTES = 16 * 1024 * 1024;

/** Answers from documents as a mongos would. */
function fakeDb(documents: Document[]): Db {
  const sorted = documents.toSorted((a, b) => Number(a["_id"]) - Number(b["_id"]));
  const isSame = (one: Document, id: unknown): boolean => Number(one["_id"]) === Number(id);
  return {
    async command({ filter, min, limit }: Document) {
      const found = sorted.filter(
        (each) =>
          min === undefined ||
          (Number(each["_id"]) >= Number(min["_id"]) && !isSame(each, filter["_id"]["$ne"])),
      );
      const most = Math.floor(ANSWER_BYTES / TEXT.length);
      const firstBatch = found.slice(0, Math.min(limit as number, most));
      const cursor = BSON.serialize({ ns: "db.firstBatch", id: 0, firstBatch });
      return { cursor: Buffer.from(cursor), ok: 1 };
    },
    collection: () => ({
      find: ({ _id }: Document) => ({
        toArray: async () => sorted.filter((each) => isSame(each, _id)).map((each) => BSON.serialize(each)),
      }),
    }),
  } as unknown as Db;
}

async function numbersFrom(db: Db, from?: Position): Promise<{ numbers: number[]; positions: Position[] }> {
  const numbers: number[] = [];
  const positions: Position[] = [];
  const { signal } = new AbortController();
  const ask = <T>(call: (of: Db) => Promise<T>): Promise<T> => call(db);
  for await (const { bytes, ends, position } of storedPages("t", { from, sharded: true, ask, signal })) {
    ends.forEach((end, i) =>
      numbers.push(BSON.deserialize(bytes.slice(ends[i - 1] ?? 0, end))["n"] as number),
    );
    if (position !== undefined) positions.push(JSON.parse(JSON.stringify(position)) as Position);
  }
  return { numbers, positions };
}

test("each document once, whichever ids are there twice", async () => {
  const ids = fc.array(fc.tuple(fc.nat(25), fc.boolean()), { minLength: 40, maxLength: 45 });
  await fc.assert(
    fc.asyncProperty(ids, async (drawn) => {
      const documents = drawn.map(([id, asDouble], n) => ({
        _id: asDouble ? new BSON.Double(id) : new BSON.Int32(id),
        n,
        text: TEXT,
      }));
      const db = fakeDb(documents);
      const { numbers, positions } = await numbersFrom(db);
      expect(numbers.toSorted((a, b) => a - b)).toEqual(documents.map((_, n) => n));
      for (const position of positions.slice(0, 3)) {
        const { numbers: rest } = await numbersFrom(db, position);
        expect(rest).toEqual(numbers.slice(numbers.length - rest.length));
      }
    }),
    { numRuns: 8 },
  );
});
