/** A comparison that doesn't see is seen by the tests: each says that both sides are equal by itself, too. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { ObjectId } from "mongodb";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import type { Target } from "../../core/plugin/roles.ts";
import type { Stored } from "../../core/plugin/stored.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { expectEqual, expectVerified } from "./equal.ts";
import { dynamo, scenario, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** The built-in target, seen through this. */
const through = (see: (stored: Stored) => Partial<Stored>): AnyPlugin => ({
  name: "through",
  async setup(ctx) {
    const builtin = await builtinPlugin("target", ctx.config);
    const provide: typeof ctx.provide = (role, implementation) => {
      const { stored } = implementation as Target;
      ctx.provide(role, { ...implementation, stored: { ...stored!, ...see(stored!) } });
    };
    await builtin!.setup({ ...ctx, provide }, {});
  },
});

/** All documents are alike to it. */
const blind = through(({ digest }) => ({
  digest: (table, bytes, ends, onDigest) =>
    digest(table, bytes, ends, (key, _digest, index) => onDigest(key, 1n, index)),
}));

/** It sees the target's first page only. */
const lazy = through(({ read }) => ({
  async *read(...args) {
    for await (const page of read(...args)) return yield { ...page, position: undefined };
  },
}));

test("a difference that the comparison doesn't see is found beside it", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(600) });
  await s.migrate();
  await expectEqual(s, [table], {});
  await s.db.collection(table).updateOne({ pk: "k7" }, { $set: { text: "tampered" } });
  const plugins = [blind];
  expect((await s.verify({}, { plugins })).isDifferent).toBe(false);
  await expect(expectEqual(s, [table], {}, { plugins }, 0)).rejects.toThrow("tampered");
  expect((await s.verify()).isDifferent).toBe(true);
  await expect(expectVerified(s, 600)).rejects.toThrow("tampered");
});

test("a comparison that leaves out what it should read, or counts what it hasn't, is seen", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(600) });
  await s.migrate();
  // What the page misses is looked up and equal: it is compared, but an extra document would be missed.
  await s.db.collection(table).insertOne({ _id: new ObjectId("f".repeat(24)), pk: "extra" });
  expect((await s.verify({}, { plugins: [lazy] })).isDifferent).toBe(false);
  await expect(expectEqual(s, [table], {}, { plugins: [lazy] }, 0)).rejects.toThrow("extra");
  expect((await s.verify()).isDifferent).toBe(true);
  await s.db.collection(table).deleteOne({ pk: "extra" });
  // Half of the source is no comparison of all of it.
  await dynamo(s.dynamoEndpoint, "DeleteItem", { TableName: table, Key: { pk: { S: "k1" } } });
  await s.db.collection(table).deleteOne({ pk: "k1" });
  await expect(expectVerified(s, 600)).rejects.toThrow("599");
});
