/** The keys of items whose numbers could not be held exactly: found on both ways of a page, and only so many. */
import { expect, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import { trackTable } from "../../../core/progress/progress.ts";
import { convertRecords } from "../../../core/stages/convert.ts";
import { findOverflowed } from "../../../core/stages/overflowed.ts";
import type { SourceRecord } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import { scanned, testConfig, testTable } from "../../fakes/context.ts";

const LONG = "9".repeat(36);
const table = testTable("pk");
const unit = { phase: "full", table, segment: 0, segments: 1 } as const;

async function context(): Promise<OwnedContext> {
  const ctx = createContext({ config: testConfig() });
  await ctx.use(change);
  trackTable(ctx.progress, table);
  return ctx;
}

/** Items `a0`, `a1`, …; the number of those at these places is too long. */
function items(count: number, long: number[], name = "a"): SourceRecord[] {
  return Array.from({ length: count }, (_, i) =>
    scanned({ pk: { S: `${name}${i}` }, n: { N: long.includes(i) ? LONG : "1" } }, table),
  );
}

const keysOf = (ctx: OwnedContext): unknown[] =>
  (ctx.progress.tables.get("t")!.notes?.overflowedKeys ?? []).map(({ pk }) => pk!.S);

test("those of a page are noted, each once, and no more than five of a table", async () => {
  const ctx = await context();
  expect((await convertRecords(ctx, unit, items(9, []))).overflowed).toBe(0);
  expect(keysOf(ctx)).toEqual([]);
  await convertRecords(ctx, unit, items(9, [2, 5]));
  await convertRecords(ctx, unit, items(9, [5]));
  expect(keysOf(ctx)).toEqual(["a2", "a5"]);
  await convertRecords(ctx, unit, items(9, [0, 1, 2, 3, 4], "b"));
  expect(keysOf(ctx)).toEqual(["a2", "a5", "b0", "b1", "b2"]);
});

test("the records stay as the page's conversion has left them", async () => {
  const ctx = await context();
  const { records, overflowed } = await convertRecords(ctx, unit, items(2, [1]));
  expect(overflowed).toBe(1);
  expect(records.map(({ document }) => document?.["n"])).toEqual([1, LONG]);
});

test("one key that is changed again and again is not looked for for ever", async () => {
  const ctx = await context();
  let looks = 0;
  for (let page = 0; page < 100; page++) {
    findOverflowed(ctx, table, 1, () => {
      looks++;
      return items(1, [0]);
    });
  }
  expect(keysOf(ctx)).toEqual(["a0"]);
  expect(looks).toBe(20);
});
