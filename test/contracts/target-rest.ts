/** What a target promises of the rest: indexes, counts, keys, samples, closing, and a run that is to stop. */
import assert from "node:assert/strict";
import { keyOf, keyText } from "../../core/schema/keys.ts";
import type { Item, Table } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { itemWith, keyAttribute, keyIn, someItems } from "./items.ts";
import { assertAll, endsSoon, textOf } from "./same.ts";
import type { TargetContract } from "./target-options.ts";
import { type Opened, withScene } from "./target-scene.ts";

/** More keys than anybody lists in one go. */
const MANY = 2500;

/** The cases. */
export function restCases(options: TargetContract): ContractCase[] {
  return [
    {
      name: "index can be asked for twice, with secondary ones too, and gives how many there are",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const secondary = [
            {
              name: "by-group",
              kind: "GSI" as const,
              partition: keyAttribute("group"),
              sort: keyAttribute("at:N"),
            },
          ];
          const orders = table("orders", ["pk", "sk"], secondary);
          const opened = await open();
          await opened.begin(orders);
          const items = Array.from({ length: 9 }, (_, n) =>
            itemWith(orders, n, n % 3 === 0 ? {} : { group: { S: `g${n % 2}` }, at: { N: `${n}` } }),
          );
          await opened.write(orders, items);
          const count = await opened.index(orders, true);
          assert.ok(Number.isSafeInteger(count) && count >= 0, `index gives ${count}`);
          assert.equal(await opened.index(orders, true), count, "index gives another number the second time");
          await stored(orders, items);
          assert.equal(await opened.target.count(orders, opened.ctx.signal), items.length, "count");
        }),
    },
    {
      name: "an empty table stays empty: its indexes, its count",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const orders = table("orders");
          const opened = await open();
          await opened.begin(orders);
          const count = async (): Promise<number> => opened.target.count(orders, opened.ctx.signal);
          assert.equal(await count(), 0, "count");
          await opened.index(orders);
          assert.equal(await count(), 0, "count after the indexes");
          await stored(orders, []);
          if (options.can.keys) assert.deepEqual(await listKeys(opened, orders), []);
          if (options.can.sample) {
            assert.deepEqual(await opened.target.sample!(orders, 5, opened.ctx.signal), []);
          }
        }),
    },
    ...(options.can.keys ? [keys(options)] : []),
    ...(options.can.sample ? [sample(options)] : []),
    {
      name: "close can be called twice, used or not; what was written is there after it",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const orders = table("orders");
          const unused = await open();
          await unused.target.close?.();
          await unused.target.close?.();
          const used = await open();
          await used.begin(orders);
          await used.write(orders, someItems(orders, 0, 5));
          await used.target.close?.();
          await used.target.close?.();
          await stored(orders, someItems(orders, 0, 5));
        }),
    },
    {
      name: "ping, where there is one, finds the target there",
      run: () =>
        withScene(options, async ({ open, table }) => {
          const opened = await open();
          await opened.begin(table("orders"));
          await opened.target.ping?.(opened.ctx.signal);
        }),
    },
    stops(options),
  ];
}

async function listKeys({ target, convert, ctx }: Opened, table: Table): Promise<(string | undefined)[]> {
  const texts: (string | undefined)[] = [];
  for await (const documents of target.keys!(table, ctx.signal)) {
    for (const document of documents) {
      const key = keyOf(document, table, convert.fieldPath);
      texts.push(key && keyText(key, table));
    }
  }
  return texts;
}

function keys(options: TargetContract): ContractCase {
  return {
    name: "keys gives every document once, with its key's fields",
    run: () =>
      withScene(options, async ({ open, table }) => {
        const opened = await open();
        const tables: [Table, number][] = [
          [table("many", ["pk", "sk:N"]), MANY],
          [table("numbers", ["pk:N"]), 20],
          [table("binaries", ["pk:B"]), 20],
        ];
        for (const [each, count] of tables) {
          await opened.begin(each);
          const items = someItems(each, 0, count);
          await opened.writeAll(each, items);
          await opened.index(each);
          const expected = items.map((item) => keyText(keyIn(item, each), each));
          assertAll(await listKeys(opened, each), expected, `the keys of ${each.targetName}`);
        }
      }),
  };
}

function sample(options: TargetContract): ContractCase {
  return {
    name: "sample gives some of the documents that are there",
    run: () =>
      withScene(options, async ({ open, table }) => {
        const orders = table("orders", ["pk", "sk:N"]);
        const opened = await open();
        await opened.begin(orders);
        const items = someItems(orders, 0, 20);
        await opened.writeAll(orders, items);
        const there = new Set(items.map((item) => keyText(keyIn(item, orders), orders)));
        for (const count of [1, 5, 50]) {
          const documents = await opened.target.sample!(orders, count, opened.ctx.signal);
          const found = documents.map((document): Item => {
            const key = keyOf(document, orders, opened.convert.fieldPath);
            assert.ok(key !== undefined, "a document without its key's fields");
            return key;
          });
          const texts = new Set(found.map((key) => keyText(key, orders)));
          assert.equal(texts.size, Math.min(count, items.length), `of ${count} asked for`);
          for (const text of texts) assert.ok(there.has(text), `${text} was never written`);
        }
      }),
  };
}

function stops(options: TargetContract): ContractCase {
  return {
    name: "a run that is to stop: every call ends soon, and what was acknowledged is there",
    run: () =>
      withScene(options, async ({ open, place, table }) => {
        const orders = table("orders");
        const opened = await open();
        const { target, ctx } = opened;
        await opened.begin(orders);
        const size = Math.min(opened.most, 50);
        const batches = Array.from({ length: 20 }, (_, n) => someItems(orders, n * size, size));
        const writing = batches.map((items) => endsSoon(opened.write(orders, items), "write"));
        ctx.stop(new Error("enough"));
        const written = await Promise.all(writing);

        const there = new Set((await place.read(orders)).map(textOf));
        const acknowledged = batches.filter((_, n) => written[n]!.status === "fulfilled").flat();
        const expected = acknowledged.map((item) => options.expected(item, orders));
        const missing = expected.filter((value) => !there.has(textOf(value)));
        assert.equal(missing.length, 0, `${missing.length} items are missing that were acknowledged`);

        const { signal } = ctx;
        await endsSoon(target.check([orders], signal), "check");
        await endsSoon(target.find(orders, signal), "find");
        await endsSoon(target.count(orders, signal), "count");
        await endsSoon(opened.index(orders), "index");
        if (options.can.keys) await endsSoon(listKeys(opened, orders), "keys");
        if (options.can.sample) await endsSoon(target.sample!(orders, 5, signal), "sample");
        await endsSoon(Promise.resolve(target.close?.()), "close");
      }),
  };
}
