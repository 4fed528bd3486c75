/** What a target promises of changes: per key the last image is there, whatever was there before. */
import assert from "node:assert/strict";
import type { Item, Table } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { bigItem, itemWith, keyIn, ODD_NAMES, someItems, VALUES } from "./items.ts";
import type { TargetContract } from "./target-options.ts";
import { type Change, type Opened, type Scene, withScene } from "./target-scene.ts";

const SHARDS = 4;

const puts = (items: Item[], event: Change["event"]): Change[] => items.map((item) => ({ event, item }));
const deletes = (items: Item[], table: Table): Change[] =>
  items.map((item) => ({ event: "REMOVE", key: keyIn(item, table) }));

/** The cases. */
export function applyCases(options: TargetContract): ContractCase[] {
  if (!options.can.apply) return [];

  /** A table with ten items of version 1, its indexes built, as the full phase leaves it. */
  const afterFull = (
    name: string,
    work: (scene: Scene & { orders: Table; opened: Opened }) => Promise<void>,
    keys: [string, string?] = ["pk", "sk:N"],
  ): ContractCase => ({
    name: `apply: ${name}`,
    run: () =>
      withScene(options, async (scene) => {
        const orders = scene.table("orders", keys);
        const opened = await scene.open();
        await opened.begin(orders);
        await opened.writeAll(orders, someItems(orders, 0, 10));
        await opened.index(orders);
        await work({ ...scene, orders, opened });
      }),
  });

  return [
    ...(["INSERT", "MODIFY", "REMOVE"] as const).flatMap((event) => [
      afterFull(`a put of what is missing, ${event}`, async ({ orders, opened, stored }) => {
        await opened.apply(orders, puts(someItems(orders, 10, 3, 2), event));
        await stored(orders, [...someItems(orders, 0, 10), ...someItems(orders, 10, 3, 2)]);
      }),
      afterFull(`a put of what is there replaces all of it, ${event}`, async ({ orders, opened, stored }) => {
        await opened.apply(orders, puts(someItems(orders, 2, 3, 2), event));
        const [before, after] = [someItems(orders, 0, 2), someItems(orders, 5, 5)];
        await stored(orders, [...before, ...someItems(orders, 2, 3, 2), ...after]);
      }),
    ]),
    afterFull("a put can leave nothing but the key", async ({ orders, opened, stored }) => {
      await opened.apply(orders, puts([itemWith(orders, 0, {})], "MODIFY"));
      await stored(orders, [itemWith(orders, 0, {}), ...someItems(orders, 1, 9)]);
    }),
    afterFull("deletes, of what is missing too", async ({ orders, opened, stored }) => {
      await opened.apply(orders, deletes(someItems(orders, 8, 5), orders));
      await stored(orders, someItems(orders, 0, 8));
      assert.equal(await opened.target.count(orders, opened.ctx.signal), 8, "count");
      await opened.apply(orders, deletes(someItems(orders, 0, 8), orders));
      await stored(orders, []);
    }),
    afterFull("puts and deletes together, the same again, and in a new process", async (scene) => {
      const { orders, opened, stored } = scene;
      const changes = [
        ...puts(someItems(orders, 10, 2, 2), "INSERT"),
        ...deletes(someItems(orders, 0, 2), orders),
        ...puts(someItems(orders, 2, 2, 2), "MODIFY"),
        ...deletes(someItems(orders, 20, 1), orders),
        ...puts(someItems(orders, 4, 1, 2), "REMOVE"),
        ...puts(someItems(orders, 12, 1, 2), "MODIFY"),
      ];
      const expected = [...someItems(orders, 5, 5), ...someItems(orders, 2, 3, 2)];
      expected.push(...someItems(orders, 10, 3, 2));
      for (const target of [opened, opened, await scene.open()]) {
        await target.apply(orders, changes);
        await stored(orders, expected);
      }
    }),
    afterFull("of changes of one key the last one is what stays", async ({ orders, opened, stored }) => {
      for (let version = 2; version <= 20; version++) {
        await opened.apply(orders, puts(someItems(orders, 0, 3, version), "MODIFY"));
        await opened.apply(orders, deletes(someItems(orders, 1, 1), orders));
      }
      await opened.apply(orders, puts(someItems(orders, 1, 1, 21), "INSERT"));
      await opened.apply(orders, deletes(someItems(orders, 2, 1), orders));
      const kept = [...someItems(orders, 0, 1, 20), ...someItems(orders, 1, 1, 21)];
      await stored(orders, [...kept, ...someItems(orders, 3, 7)]);
    }),
    afterFull(
      "items of one partition key are kept apart by the sort key",
      async ({ orders, opened, stored }) => {
        const at = (sk: string): Item => ({ pk: { S: "same" }, sk: { N: sk }, at: { S: sk } });
        const numbers = ["-10", "0", "0.5", "5", "50"];
        await opened.apply(orders, puts(numbers.map(at), "INSERT"));
        await opened.apply(orders, [
          ...deletes([at("5"), at("500")], orders),
          ...puts([{ ...at("0"), more: { S: "x" } }], "MODIFY"),
        ]);
        const left = [at("-10"), { ...at("0"), more: { S: "x" } }, at("0.5"), at("50")];
        await stored(orders, [...someItems(orders, 0, 10), ...left]);
      },
    ),
    afterFull("values of every type, any name, any size", async ({ orders, opened, stored }) => {
      const items = [VALUES, ODD_NAMES, { big: { NULL: true } } as Item].map((attributes, n) =>
        itemWith(orders, n, attributes),
      );
      for (const event of ["MODIFY", "INSERT"] as const) {
        await opened.apply(orders, puts(items, event));
        await stored(orders, [...items, ...someItems(orders, 3, 7)]);
      }
      await opened.apply(
        orders,
        puts(
          [2, 10, 11].map((n) => bigItem(orders, n)),
          "MODIFY",
        ),
      );
      const big = [2, 10, 11].map((n) => bigItem(orders, n));
      await stored(orders, [...items.slice(0, 2), ...big, ...someItems(orders, 3, 7)]);
    }),
    ...(["pk:N", "pk:B"] as const).map((key) =>
      afterFull(
        `keys of another type, ${key}`,
        ({ orders, opened, stored }) => changesSome(orders, opened, stored),
        [key],
      ),
    ),
    afterFull(
      "keys of another type, with a sort key",
      ({ orders, opened, stored }) => changesSome(orders, opened, stored),
      ["pk:B", "sk:B"],
    ),
    afterFull(
      "many at once, from several shards and in large batches",
      async ({ orders, opened, stored }) => {
        const { most } = opened;
        const shards = Array.from({ length: SHARDS }, (_, n) => someItems(orders, 100 + n * most, most, 2));
        await Promise.all(
          shards.map(async (items, n) => {
            await opened.apply(orders, puts(items, "INSERT"), `shard-${n}`);
            await opened.apply(orders, deletes(items.slice(0, most / 2), orders), `shard-${n}`);
          }),
        );
        const left = shards.flatMap((items) => items.slice(most / 2));
        await stored(orders, [...someItems(orders, 0, 10), ...left]);
      },
    ),
    {
      name: "apply: to one table leaves the others as they are",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const [orders, other] = [table("orders"), table("other")];
          const opened = await open();
          for (const each of [orders, other]) {
            await opened.begin(each);
            await opened.write(each, someItems(each, 0, 4));
            await opened.index(each);
          }
          await opened.apply(orders, deletes(someItems(orders, 0, 2), orders));
          await opened.apply(orders, puts(someItems(orders, 2, 5, 2), "MODIFY"));
          await stored(orders, someItems(orders, 2, 5, 2));
          await stored(other, someItems(other, 0, 4));
        }),
    },
  ];
}

async function changesSome(orders: Table, opened: Opened, stored: Scene["stored"]): Promise<void> {
  await opened.apply(orders, [
    ...puts(someItems(orders, 0, 3, 2), "MODIFY"),
    ...deletes(someItems(orders, 3, 3), orders),
    ...puts(someItems(orders, 10, 3, 2), "INSERT"),
  ]);
  const changed = [...someItems(orders, 0, 3, 2), ...someItems(orders, 10, 3, 2)];
  await stored(orders, [...changed, ...someItems(orders, 6, 4)]);
}
