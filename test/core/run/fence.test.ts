/** A role's writes ask before they begin; what only reads doesn't. */
import { expect, test } from "bun:test";
import { fenced } from "../../../core/run/fence.ts";
import type { Stored } from "../../../core/plugin/stored.ts";
import { memoryTarget, testTable } from "../../fakes/context.ts";

const TABLE = testTable("pk");
const { signal } = new AbortController();
const refuse = (): never => {
  throw new Error("not any more");
};

test("a target's writes", async () => {
  const target = fenced("target", memoryTarget(), refuse);
  const batch = { unit: { phase: "full", table: TABLE, segment: 0, segments: 1 }, records: [] } as const;
  expect(() => target.write({ ...batch, records: [] }, signal)).toThrow("not any more");
  expect(await target.count(TABLE, signal)).toBe(0);
});

test("removing what is stored, and not looking at it", async () => {
  const calls: string[] = [];
  const stored = {
    find: async () => (calls.push("find"), []),
    remove: async () => (calls.push("remove"), 0),
  } as Partial<Stored> as Stored;
  let may = true;
  const target = fenced("target", { ...memoryTarget(), stored }, async () => void (may || refuse()));
  await target.stored!.remove!(TABLE, { ids: [] }, signal);
  may = false;
  await target.stored!.find(TABLE, [], signal);
  await expect(target.stored!.remove!(TABLE, { ids: [] }, signal)).rejects.toThrow("not any more");
  expect(calls).toEqual(["remove", "find"]);
});

test("a target without it", () => {
  expect(fenced("target", memoryTarget(), refuse).stored).toBeUndefined();
});
