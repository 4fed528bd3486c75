/** When changes that insert are sent as inserts. */
import { expect, test } from "bun:test";
import type { Db, Document } from "mongodb";
import { testTable } from "../../../fakes/context.ts";
import { createInsertFirsts, hasUniqueKey } from "../../../../plugins/target/mongodb/insert-first.ts";

const TABLE = testTable("pk");

test("a table that is guarded is asked about once, until its indexes may be others", async () => {
  let asked = 0;
  const firsts = createInsertFirsts(async () => ++asked === 1);
  for (let n = 0; n < 3; n++) expect(await firsts.of(TABLE).mayTry()).toBe(true);
  expect(asked).toBe(1);
  firsts.forget(TABLE);
  expect(await firsts.of(TABLE).mayTry()).toBe(false);
  expect(asked).toBe(2);
});

test("one that isn't is asked about again: its index may be being built", async () => {
  let asked = 0;
  const firsts = createInsertFirsts(async () => ++asked > 1);
  const tries: boolean[] = [];
  for (let n = 0; n < 60; n++) tries.push(await firsts.of(TABLE).mayTry());
  expect(tries.indexOf(true)).toBe(51);
  expect(asked).toBe(2);
});

test("whose indexes can't be looked at gets no inserts for a while", async () => {
  let asked = 0;
  const firsts = createInsertFirsts(async () => {
    if (++asked === 1) throw new Error("away");
    return true;
  });
  const tries: boolean[] = [];
  for (let n = 0; n < 60; n++) tries.push(await firsts.of(TABLE).mayTry());
  expect(tries.indexOf(true)).toBe(51);
  expect(asked).toBe(2);
});

test("where many were there already, it isn't tried for a while, in that table only", async () => {
  const firsts = createInsertFirsts(async () => true);
  const [one, other] = [firsts.of(TABLE), firsts.of({ ...TABLE, name: "other" })];
  one.saw(100, 20);
  expect(await one.mayTry()).toBe(true);
  one.saw(100, 21);
  const tries: boolean[] = [];
  for (let n = 0; n < 60; n++) tries.push(await one.mayTry());
  expect(tries.indexOf(true)).toBe(50);
  expect(tries.slice(50)).not.toContain(false);
  expect(await other.mayTry()).toBe(true);
});

const unique = { unique: true };
test.each<[string, string[], Document, boolean]>([
  ["the key, unique", ["pk", "sk"], { key: { pk: 1, sk: 1 }, ...unique }, true],
  ["the key the other way round", ["pk", "sk"], { key: { sk: 1, pk: 1 }, ...unique }, true],
  ["the key, not unique", ["pk"], { key: { pk: 1 } }, false],
  ["a part of the key", ["pk", "sk"], { key: { pk: 1 }, ...unique }, false],
  ["more than the key", ["pk"], { key: { pk: 1, n: 1 }, ...unique }, false],
  ["another field", ["pk"], { key: { n: 1 }, ...unique }, false],
  ["some documents", ["pk"], { key: { pk: 1 }, ...unique, partialFilterExpression: { n: 1 } }, false],
  ["documents that have it", ["pk"], { key: { pk: 1 }, ...unique, sparse: true }, false],
  ["keys by a collation", ["pk"], { key: { pk: 1 }, ...unique, collation: { locale: "de" } }, false],
  ["_id, which is the key", ["_id"], { key: { _id: 1 } }, true],
  ["_id, where it isn't", ["pk"], { key: { _id: 1 } }, false],
  ["a part of _id", ["_id.S"], { key: { _id: 1 } }, false],
])("an index on %s", async (_, paths, index, guards) => {
  const db = { command: async () => ({ cursor: { firstBatch: [index] } }) } as unknown as Db;
  expect(await hasUniqueKey(db, TABLE, paths)).toBe(guards);
});
