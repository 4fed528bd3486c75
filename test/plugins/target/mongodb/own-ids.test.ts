/** Documents whose `_id` is the item's own, or a plugin's: a duplicate of it is no earlier try of ours. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext } from "../../../../core/run/context.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { SourceRecord } from "../../../../core/types.ts";
import change from "../../../../plugins/convert/change.ts";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { scenario } from "../../../e2e/helpers.ts";
import { scanned, testConfig, testTable } from "../../../fakes/context.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

test("what is written again replaces what is there, and an insert of something else fails", async () => {
  await using s = await scenario();
  const strict = { "increase.executor.insert_on_dup_update": "false" };
  const config = testConfig({ ...strict, id: s.id, "target.address": s.mongoUri });
  await using ctx = createContext({ config });
  await ctx.use(change);
  await ctx.use(mongodb);
  const table = testTable("pk");
  const [target, convert] = [ctx.role("target"), ctx.role("convert")];
  await target.create(table, ctx.signal);
  const records = (n: number): SourceRecord[] => {
    const some = ["a", "b"].map((pk) => scanned({ pk: { S: pk }, n: { N: String(n) } }, table));
    convert.convert(some, table);
    // As a convert:after hook does.
    for (const { document, keys } of some) document!["_id"] = `own ${keys["pk"]!.S}`;
    return some;
  };
  const unit = { phase: "full", table, segment: 0, segments: 1 } as const;
  await target.write({ unit, records: records(1) }, ctx.signal);
  await target.resume(table, { units: [], indexes: planIndexes(table, convert, false) }, ctx.signal);
  const again = await target.write({ unit, records: records(2) }, ctx.signal);
  expect(again).toMatchObject({ inserted: 0, replaced: 2, duplicates: 0 });
  const found = await s.db.collection("t").find().sort({ pk: 1 }).toArray();
  expect(found.map(({ _id, n }) => [_id as unknown, n])).toEqual([
    ["own a", 2],
    ["own b", 2],
  ]);
  const inserted = (n: number): SourceRecord[] =>
    records(n).map((record) => ({ ...record, event: "INSERT" }));
  const shard = { phase: "incr", table, shard: "s" } as const;
  await target.apply!({ unit: shard, records: inserted(2) }, ctx.signal);
  const other = target.apply!({ unit: shard, records: inserted(3) }, ctx.signal);
  expect(await other.catch((error: unknown) => error)).toMatchObject({ code: "DUPLICATE_KEY" });
});
