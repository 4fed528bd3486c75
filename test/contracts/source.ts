/** The source's contract. */
import assert from "node:assert/strict";
import { keyAttributes } from "../../core/schema/keys.ts";
import type { Table } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { keyIn } from "./items.ts";
import { assertAll, assertSame, endsSoon } from "./same.ts";
import type { SourceContract } from "./source-options.ts";
import { readCases } from "./source-read.ts";
import { strangeKeys, withSource } from "./source-scene.ts";

/** More keys than a service takes in one call. */
const MANY_KEYS = 250;

/**
 * What a source promises, as cases for a test framework.
 *
 * @example
 * ```ts
 * import { test } from "node:test";
 * import { sourceContract } from "nimo-shake/test";
 * import plugin, { itemsOf } from "./my-source.ts";
 *
 * const makePlace = async () => ({
 *   settings: { "plugin.my-source.page": "10" },
 *   tables: { orders: itemsOf("orders"), customers: itemsOf("customers") },
 *   [Symbol.asyncDispose]: async () => {},
 * });
 * // How a hook's edit of a request leaves items out, and which ones stay.
 * const edit = {
 *   change: (request: { only?: string }) => void (request.only = "paid"),
 *   keeps: (item: Record<string, { S?: string }>) => item["status"]?.S === "paid",
 * };
 * for (const { name, run } of sourceContract({ plugin, makePlace, can: {}, edit })) test(name, run);
 * ```
 */
export function sourceContract(options: SourceContract): ContractCase[] {
  return [
    {
      name: "a source has what it is said to be able to, and nothing else",
      run: () =>
        withSource(options, async ({ open }) => {
          const { source } = await open();
          for (const name of ["absent", "items", "describe"] as const) {
            const has = typeof source[name] === "function";
            assert.equal(has, options.can[name] ?? false, `can.${name} isn't what the source has`);
          }
        }),
    },
    {
      name: "tables are described: their keys are those of the items",
      run: () =>
        withSource(options, async ({ open }) => {
          const described = await (await open()).tables();
          for (const { table, items } of described) {
            assert.equal(typeof table.targetName, "string", "targetName");
            assert.notEqual(table.targetName, "", "targetName");
            assert.ok(table.id === undefined || typeof table.id === "string", `id is ${String(table.id)}`);
            assert.ok(Array.isArray(table.secondary), "secondary is no list");
            for (const count of [table.itemCount, table.sizeBytes]) assert.ok(Number(count) >= 0, `${count}`);
            for (const { name, type } of keyAttributes(table)) {
              for (const item of items) {
                assertSame(Object.keys(item[name] ?? {}), [type], `${table.name}: the key attribute ${name}`);
              }
            }
            const keys = new Set(items.map((item) => JSON.stringify(keyIn(item, table))));
            assert.equal(keys.size, items.length, `${table.name}: two items have the same key`);
          }
          const names = new Set(described.map(({ table }) => table.targetName));
          assert.equal(names.size, described.length, "two tables have the same targetName");
          const { source, ctx, tables } = await open();
          const again = await tables();
          assertSame(again.map(identity), described.map(identity), "another process sees other tables");
          const inspected = await source.inspect?.(
            again.map(({ table }) => table),
            ctx.signal,
          );
          const known = new Set(again.map(({ table }) => table.name));
          for (const name of inspected?.tables.keys() ?? []) assert.ok(known.has(name), `inspect: ${name}`);
        }),
    },
    {
      name: "ping, where there is one, finds the source there",
      run: () =>
        withSource(options, async ({ open }) => {
          const { source, ctx } = await open();
          await source.tables(ctx.signal);
          await source.ping?.(ctx.signal);
        }),
    },
    {
      name: "a table is described again as it was, and one that isn't there not at all",
      run: () =>
        withSource(options, async ({ open }) => {
          const { source, ctx } = await open();
          if (source.describe === undefined) return;
          for (const table of await source.tables(ctx.signal)) {
            assertSame(await source.describe(table, ctx.signal), table, `${table.name}, described again`);
            const gone = { ...table, name: "nobodys-table" };
            assert.equal(await source.describe(gone, ctx.signal), undefined, "a table that isn't there");
          }
        }),
    },
    {
      name: "tables are filtered by the white and the black list",
      run: () =>
        withSource(options, async ({ open, place }) => {
          const [first, ...others] = Object.keys(place.tables);
          const names = async (white: string, black: string): Promise<string[]> => {
            const lists = { "filter.collection.white": white, "filter.collection.black": black };
            const { source, ctx } = await open(lists);
            return (await source.tables(ctx.signal)).map(({ name }) => name);
          };
          assertAll(await names(first!, ""), [first], "filter.collection.white");
          assertAll(await names(others.join(";"), ""), others, "filter.collection.white");
          const left = await names("", first!);
          assert.ok(!left.includes(first!), "filter.collection.black leaves its table in");
          for (const name of others)
            assert.ok(left.includes(name), "filter.collection.black takes others out");
          await assert.rejects(
            names("nobodys-table", ""),
            "a table of the whitelist that isn't there is no error",
          );
        }),
    },
    {
      name: "units are the same again, whatever full.read.concurrency says meanwhile",
      run: () =>
        withSource(options, async ({ open, concurrency }) => {
          for (const lanes of concurrency) {
            const first = await open({ "full.read.concurrency": String(lanes) });
            for (const { table } of await first.tables()) {
              const units = first.source.units(table);
              assert.ok(units.length > 0, "a table has no unit");
              for (const [n, unit] of units.entries()) {
                assertSame(unit, { phase: "full", table, segment: n, segments: units.length }, "a unit");
              }
              assertSame(first.source.units(table), units, "units, asked for again");
              for (const other of concurrency) {
                const next = await open({ "full.read.concurrency": String(other) });
                assertSame(next.source.units(table, units.length), units, "units, resumed");
              }
            }
          }
        }),
    },
    ...readCases(options),
    ...(options.can.absent ? [absent(options)] : []),
    ...(options.can.items ? [items(options)] : []),
    {
      name: "close can be called twice, used or not",
      run: () =>
        withSource(options, async ({ open }) => {
          for (const used of [false, true]) {
            const { source, tables, pages } = await open();
            if (used) for (const { table } of await tables()) await pages(source.units(table)[0]!);
            await source.close?.();
            await source.close?.();
          }
        }),
    },
  ];
}

/** What of a table stays while its counts, which are estimates, may not. */
function identity({ table }: { table: Table }): object {
  return { ...table, itemCount: 0, sizeBytes: 0 };
}

function absent(options: SourceContract): ContractCase {
  return {
    name: "absent gives exactly the keys that no item has",
    run: () =>
      withSource(options, async ({ open }) => {
        const { source, ctx, tables } = await open();
        for (const { table, items } of await tables()) {
          const find = (keys: Parameters<NonNullable<typeof source.absent>>[1]) =>
            source.absent!(table, keys, ctx.signal);
          const there = items.map((item) => keyIn(item, table));
          const strange = strangeKeys(table, items, MANY_KEYS);
          assertAll(await find([]), [], "of no key");
          assertAll(await find(there), [], "of keys that are there");
          assertAll(await find(strange), strange, "of keys that aren't there");
          const mixed = there.flatMap((key, n) => [key, ...strange.slice(n, n + 1)]);
          assertAll(await find(mixed), strange.slice(0, there.length), "of both");
        }
        ctx.stop(new Error("enough"));
        const { table, items } = (await (await open()).tables())[0]!;
        await endsSoon(
          source.absent!(
            table,
            items.map((item) => keyIn(item, table)),
            ctx.signal,
          ),
          "absent",
        );
      }),
  };
}

function items(options: SourceContract): ContractCase {
  const { seen = (item) => item } = options;
  return {
    name: "items gives the items of the keys that are there, whole",
    run: () =>
      withSource(options, async ({ open }) => {
        const { source, ctx, tables } = await open();
        for (const { table, items: all } of await tables()) {
          const keys = all.map((item) => keyIn(item, table));
          const asked = [...keys, ...strangeKeys(table, all, 3), ...keys.slice(0, 1)];
          const found = await source.items!(table, asked, ctx.signal);
          assertAll(found.map(seen), all.map(seen), "of keys that are there, and others");
          assertAll(await source.items!(table, [], ctx.signal), [], "of no key");
        }
      }),
  };
}
