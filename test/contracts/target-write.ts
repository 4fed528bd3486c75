/** What a target promises of writing: all of it, exactly, at any size and from any number of units. */
import assert from "node:assert/strict";
import { createDocumentWriter } from "../../plugins/_bson/document-writer.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type { Item, Table } from "../../core/types.ts";
import type { EncodedBatch } from "../../core/plugin/transcoder.ts";
import type { ContractCase } from "./case.ts";
import { bigItem, itemWith, ODD_NAMES, someItems, VALUES } from "./items.ts";
import type { TargetContract } from "./target-options.ts";
import { checkResult, segment, toRecord, withScene } from "./target-scene.ts";

/** More than any target takes at once. */
const SEVERAL = 24;
const SEGMENTS = 4;
/** More than a message of MongoDB's takes. */
const BIG_ITEMS = 45;

/** Keys of every type. */
const KEYS: [partition: string, sort?: string][] = [
  ["pk"],
  ["pk:N"],
  ["pk:B"],
  ["pk", "sk"],
  ["pk", "sk:N"],
  ["pk:N", "sk:B"],
];

/** The cases. */
export function writeCases(options: TargetContract): ContractCase[] {
  /** Items are written one by one and all at once, and are there then. */
  const stores = (name: string, make: (table: Table, most: number) => Item[]): ContractCase => ({
    name,
    run: () =>
      withScene(options, async ({ open, table, stored }) => {
        const [single, together] = [table("single"), table("together")];
        const opened = await open();
        for (const each of [single, together]) await opened.begin(each);
        const items = make(single, opened.most);
        for (const item of items) await opened.write(single, [item]);
        await opened.write(together, items);
        await stored(single, items, "written one by one");
        await stored(together, items, "written in one batch");
        for (const each of [single, together]) {
          await opened.index(each);
          await stored(each, items, "after the indexes");
          assert.equal(await opened.target.count(each, opened.ctx.signal), items.length, "count");
        }
      }),
  });

  return [
    stores("write stores values of every type exactly", (table, most) =>
      [VALUES, {}, ...Object.entries(VALUES).map(([name, value]) => ({ [name]: value }))]
        .slice(0, most)
        .map((attributes, n) => itemWith(table, n, attributes)),
    ),
    stores("write stores attributes of any name", (table, most) =>
      [ODD_NAMES, ...Object.entries(ODD_NAMES).map(([name, value]) => Object.fromEntries([[name, value]]))]
        .slice(0, most)
        .map((attributes, n) => itemWith(table, n, attributes)),
    ),
    {
      name: "write stores items of nearly 400 KB, a batch of them too",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const orders = table("orders");
          const opened = await open();
          await opened.begin(orders);
          const count = Math.min(BIG_ITEMS, opened.most);
          const items = Array.from({ length: count }, (_, n) => bigItem(orders, n));
          await opened.write(orders, items.slice(0, 1));
          await opened.writeAll(orders, items.slice(1));
          await opened.index(orders);
          await stored(orders, items);
        }),
    },
    {
      name: "write takes batches of one, and of full.document.write.batch",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const orders = table("orders", ["pk", "sk"]);
          const opened = await open();
          await opened.begin(orders);
          const items = someItems(orders, 0, 2 * opened.most + 1);
          await opened.writeAll(orders, items);
          await stored(orders, items);
          await opened.index(orders);
          assert.equal(await opened.target.count(orders, opened.ctx.signal), items.length, "count");
        }),
    },
    {
      name: "write takes keys of every type, with and without a sort key",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const opened = await open();
          for (const [n, keys] of KEYS.entries()) {
            const each = table(`keys-${n}`, keys);
            await opened.begin(each);
            await opened.writeAll(each, someItems(each, 0, 20));
            await opened.index(each);
            await stored(each, someItems(each, 0, 20), `keys ${keys.join(", ")}`);
          }
        }),
    },
    {
      name: "many writes at once lose nothing, of one unit and of several",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const [one, several] = [table("one"), table("several", ["pk:N"])];
          const opened = await open();
          for (const each of [one, several]) await opened.begin(each);
          const size = Math.min(opened.most, 100);
          const slice = (from: Table, n: number): Item[] => someItems(from, n * size, size);
          const numbers = Array.from({ length: SEVERAL }, (_, n) => n);
          await Promise.all([
            ...numbers.map((n) => opened.write(one, slice(one, n))),
            ...numbers.map((n) =>
              opened.write(several, slice(several, n), segment(several, n % SEGMENTS, SEGMENTS)),
            ),
          ]);
          for (const each of [one, several]) {
            await stored(each, someItems(each, 0, SEVERAL * size), each.targetName);
            await opened.index(each);
            await stored(each, someItems(each, 0, SEVERAL * size), `${each.targetName} after the indexes`);
            assert.equal(await opened.target.count(each, opened.ctx.signal), SEVERAL * size, "count");
          }
        }),
    },
    {
      name: "tables don't mix, whatever their names have in common",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const tables = ["orders", "orders.0", "orders-0", "orders_"].map((name) => table(name));
          const opened = await open();
          for (const each of tables) await opened.begin(each);
          await Promise.all(
            tables.map((each, n) => opened.write(each, someItems(each, n, n + 1, n), segment(each, 0, 2))),
          );
          for (const [n, each] of tables.entries()) {
            await opened.index(each);
            await stored(each, someItems(each, n, n + 1, n), each.targetName);
            assert.equal(await opened.target.count(each, opened.ctx.signal), n + 1, "count");
          }
        }),
    },
    ...(options.can.encoded ? [encoded(options)] : []),
    ...(options.can.guardsKeys ? [guarded(options)] : []),
  ];
}

function encoded(options: TargetContract): ContractCase {
  return {
    name: "writeEncoded stores the same as write",
    run: () =>
      withScene(options, async ({ open, table, stored }) => {
        const orders = table("orders");
        const { begin, ctx, target, convert, index } = await open();
        await begin(orders);
        const items = [VALUES, ODD_NAMES, {}].map((attributes, n) => itemWith(orders, n, attributes));
        items.push(bigItem(orders, items.length));
        const result = await target.writeEncoded!(encode(convert, orders, items), ctx.abandon);
        checkResult(result, items.length);
        await stored(orders, items);
        await index(orders);
        await stored(orders, items, "after the indexes");
      }),
  };
}

/** Items as a scan's page would bring them to the target. */
function encode(convert: Converter, table: Table, items: Item[]): EncodedBatch {
  const unit = segment(table);
  const records = items.map((item) => toRecord({ event: "SCAN", item }, table));
  const body = Buffer.from(`{"Items":${JSON.stringify(items)}}`);
  const transcoder = convert.transcoder?.(unit);
  if (transcoder?.append({ records, body, position: undefined, bytes: body.length }) !== undefined) {
    return transcoder.take(items.length);
  }
  convert.convert(records, table);
  const writer = createDocumentWriter({ doubles: convert.numbers === "double", addId: true });
  let end = 0;
  const ends = records.map((record) => (end += writer.append(record.document!)));
  return { unit, bytes: writer.bytes(), ends, record: (i) => records[i]! };
}

function guarded(options: TargetContract): ContractCase {
  return {
    name: "a key written twice is there once, with no index",
    run: () =>
      withScene(options, async ({ open, table, stored }) => {
        const orders = table("orders", ["pk", "sk"]);
        const opened = await open();
        await opened.begin(orders);
        await opened.writeAll(orders, someItems(orders, 0, 10, 1));
        await opened.writeAll(orders, someItems(orders, 5, 10, 2));
        await stored(orders, [...someItems(orders, 0, 5, 1), ...someItems(orders, 5, 10, 2)]);
      }),
  };
}
