/** Items that a predicate of `keep` holds can be read after their page is written. */
import { expect, test } from "bun:test";
import type { Context } from "../../../core/plugin/context.ts";
import type { KeepOptions } from "../../../core/plugin/hooks.ts";
import type { Item, Page, SourceRecord } from "../../../core/types.ts";
import type { Encoding } from "../../../plugins/_bson/encoding.ts";
import { createTranscoder } from "../../../plugins/convert/_transcoder.ts";
import { scanPage } from "../../../plugins/source/dynamodb-scan/scan-page.ts";
import { copied, TABLE } from "../../fakes/copying.ts";
import { memorySource, memoryTarget, scanned } from "../../fakes/context.ts";

const ENCODING: Encoding = {
  numbers: "exact",
  longNumber: (digits: string) => digits,
  idName: { top: "_id", nested: "_id" },
  keepsId: false,
  keys: [],
};

/** A page as the service sends it, with memory of its own. */
function sent(items: Item[], isLast: boolean): Page {
  const key = isLast ? "" : `,"LastEvaluatedKey":{"pk":${JSON.stringify(items.at(-1)!["pk"])}}`;
  const text = Buffer.from(`{"Items":${JSON.stringify(items)},"Count":${items.length}${key}}`);
  const body = Buffer.from(new Uint8Array(text).buffer);
  return scanPage(body, ["pk"], (item): SourceRecord => scanned(item, TABLE));
}

const ITEMS = ["a", "b", "c", "d"].map((pk): Item => ({ pk: { S: pk }, n: { N: "1" } }));

/** Copies two pages under a `keep` that holds every item; gives these, and how many bytes of pages are left. */
async function heldItems(options?: KeepOptions): Promise<{ held: Item[]; left: number }> {
  const held: Item[] = [];
  const pages = [sent(ITEMS.slice(0, 2), false), sent(ITEMS.slice(2), true)];
  const target = memoryTarget();
  target.writeEncoded = async ({ ends }) => ({
    inserted: ends.length,
    replaced: 0,
    deleted: 0,
    duplicates: 0,
    ms: 0,
  });
  target.count = async () => ITEMS.length;
  const plugin = (ctx: Context): void => {
    const convert = ctx.role("convert");
    convert.transcoder = (unit) =>
      createTranscoder(
        unit,
        ENCODING,
        () => 0,
        () => convert,
      );
    ctx.hook("fetch:after", (e) => e.keep((item) => held.push(item) > 0, options));
  };
  const { surplus, counters } = await copied(memorySource([() => pages]), target, {}, plugin);
  await surplus;
  expect(counters.written).toBe(ITEMS.length);
  return { held, left: pages.reduce((sum, { body }) => sum + body!.length, 0) };
}

test("each attribute, and all of them", async () => {
  const { held, left } = await heldItems();
  expect(left).toBeGreaterThan(0);
  expect(held.map(({ n }) => n)).toEqual(ITEMS.map(({ n }) => n));
  expect(held.map((item) => ({ ...item }))).toEqual(ITEMS);
});

// the search for the name went on behind the end of nothing, for ever
test("of a predicate that says it holds none the pages are freed, and reading one is an error", async () => {
  const { held, left } = await heldItems({ holdsItems: false });
  expect(left).toBe(0);
  for (const item of held) expect(() => item["n"]).toThrow("its predicate holds items");
});
