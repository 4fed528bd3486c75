/** What a target promises of what is stored: read back, looked up and compared as it was written. */
import assert from "node:assert/strict";
import type { Stored, StoredPage } from "../../core/plugin/stored.ts";
import { planIndexes } from "../../core/schema/indexes.ts";
import { keyText } from "../../core/schema/keys.ts";
import type { Item, Position, SourceRecord, Table } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { bigItem, itemWith, keyAttribute, keyIn, ODD_NAMES, someItems, VALUES } from "./items.ts";
import { assertAll, textOf } from "./same.ts";
import type { TargetContract } from "./target-options.ts";
import { type Opened, type Scene, segment, toRecord, withScene } from "./target-scene.ts";

/** More than a page has. */
const MANY = 2500;
const BIG = 15;

/** A target with a table that is written to its end. */
interface Written extends Scene {
  orders: Table;
  opened: Opened;
  stored: Scene["stored"];
  look: Stored;
}

/** The cases. */
export function storedCases(options: TargetContract): ContractCase[] {
  if (!options.can.stored) return [];

  const written = (
    name: string,
    items: (table: Table) => Item[],
    work: (written: Written) => Promise<void>,
    keys?: [string, string?],
  ): ContractCase => ({
    name: `stored: ${name}`,
    run: () =>
      withScene(options, async (scene) => {
        const secondary = [{ name: "by-group", kind: "GSI" as const, partition: keyAttribute("group") }];
        const orders = scene.table("orders", keys, secondary);
        const opened = await scene.open();
        await opened.begin(orders);
        await opened.writeAll(orders, items(orders));
        await opened.index(orders, true);
        await work({ ...scene, orders, opened, look: opened.target.stored! });
      }),
  });

  const everything = (table: Table): Item[] => [
    itemWith(table, 0, VALUES),
    // The key may have such a name.
    { ...ODD_NAMES, ...itemWith(table, 1, {}) },
    itemWith(table, 2, {}),
    bigItem(table, 3),
    ...someItems(table, 4, 20),
  ];

  return [
    ...KEYS.map((keys) =>
      written(
        `what is read is what encode makes, key ${keys.join(" and ")}`,
        everything,
        async ({ orders, opened, look }) => {
          const items = everything(orders);
          const expected = digests(look, orders, encodedItems(opened, orders, items));
          assertAll(await readAll(opened, orders), expected, "digests");
          const keys = items.map((item) => keyText(keyIn(item, orders), orders));
          assert.deepEqual(
            expected.map(({ key }) => key),
            keys,
          );
        },
        keys,
      ),
    ),
    written(
      "every page gives a position to go on from, and nothing is lost or doubled there",
      (table) => [
        ...someItems(table, 0, MANY),
        ...Array.from({ length: BIG }, (_, n) => bigItem(table, MANY + n)),
      ],
      async ({ orders, opened }) => {
        const all = await readAll(opened, orders);
        assert.equal(new Set(all.map(({ key }) => key)).size, MANY + BIG, "keys");
        assert.equal(all.length, MANY + BIG, "documents");
        let before = 0;
        for await (const { ends, position } of opened.target.stored!.read(
          orders,
          undefined,
          opened.ctx.signal,
        )) {
          before += ends.length;
          if (position === undefined) break;
          const kept = JSON.parse(JSON.stringify(position)) as Position;
          assertAll(await readAll(opened, orders, kept), all.slice(before), `from document ${before} on`);
        }
        assert.equal(before, all.length, "documents of all pages");
      },
      ["pk", "sk:N"],
    ),
    written(
      "find gives none and one, for the same key twice too, and a delete's key",
      (table) => someItems(table, 0, 300),
      async ({ orders, opened, look }) => {
        const items = [...someItems(orders, 250, 60), ...someItems(orders, 3, 1), ...someItems(orders, 3, 1)];
        const records = recordsOf(opened, orders, items);
        const found = await look.find(orders, records, opened.ctx.signal);
        assert.deepEqual(
          found.map((documents) => documents.length),
          items.map((_, i) => (i < 50 || i >= 60 ? 1 : 0)),
        );
        const expected = digests(look, orders, encodedItems(opened, orders, [items[0]!]));
        const bytes = found[0]![0]!;
        assert.deepEqual(digests(look, orders, { bytes, ends: [bytes.length] }), expected);
        const [gone] = recordsOf(opened, orders, [items[0]!], "REMOVE");
        assert.equal((await look.find(orders, [gone!], opened.ctx.signal))[0]!.length, 1);
        assert.deepEqual(await look.find(orders, [], opened.ctx.signal), []);
      },
      ["pk:N", "sk:B"],
    ),
    written(
      "any change of an item is another digest, and decodes to something else",
      everything,
      async ({ orders, opened, look }) => {
        const [item] = everything(orders);
        const { document, digest } = taken(opened, orders, item!);
        assert.equal(document.fields?.size, Object.keys(item!).length, "fields");
        for (const name of Object.keys(item!)) {
          const { [name]: _, ...rest } = item!;
          if (orders.keys.partition.name === name) continue;
          for (const other of [
            rest,
            { ...rest, [name]: { S: "other" } },
            { ...item, [`${name}2`]: item![name]! },
          ]) {
            const changed = taken(opened, orders, other);
            assert.notEqual(changed.digest, digest, `${name} makes no difference`);
            assert.notEqual(textOf(changed.document), textOf(document), `${name} isn't in what is decoded`);
          }
        }
        const [bytes] = (await look.find(orders, recordsOf(opened, orders, [item!]), opened.ctx.signal))[0]!;
        assert.equal(textOf(look.decode(orders, bytes!)), textOf(document), "what is stored");
      },
    ),
    written(
      "no index is missing when they are built",
      (table) => someItems(table, 0, 5),
      async ({ orders, opened, look }) => {
        const planned = planIndexes(orders, opened.convert, true);
        assert.deepEqual(await look.indexes(orders, planned, opened.ctx.signal), []);
      },
    ),
    {
      name: "stored: nothing is there",
      run: () =>
        withScene(options, async ({ open, table }) => {
          const orders = table("orders");
          const opened = await open();
          assert.deepEqual(await readAll(opened, orders), []);
          const records = recordsOf(opened, orders, someItems(orders, 0, 1));
          const found = await opened.target.stored!.find(orders, records, opened.ctx.signal);
          assert.deepEqual(found, [[]]);
          await opened.begin(orders);
          await opened.index(orders);
          assert.deepEqual(await readAll(opened, orders), []);
        }),
    },
    ...(options.can.remove ? [removing(written)] : []),
  ];
}

const KEYS: [string, string?][] = [
  ["pk"],
  ["pk", "sk:N"],
  ["pk:N"],
  ["pk:B", "sk"],
  ["_id:N"],
  ["__proto__", "constructor:N"],
];

function removing(
  written: (
    name: string,
    items: (table: Table) => Item[],
    work: (written: Written) => Promise<void>,
    keys?: [string, string?],
  ) => ContractCase,
): ContractCase {
  return written(
    "remove takes the keys' documents away, and no others",
    (table) => someItems(table, 0, 20),
    async ({ orders, opened, look, stored }) => {
      const records = recordsOf(opened, orders, someItems(orders, 15, 10));
      assert.equal(await look.remove!(orders, { records }, opened.ctx.signal), 5);
      await stored(orders, someItems(orders, 0, 15));
      assert.equal(await look.remove!(orders, { records }, opened.ctx.signal), 0);
    },
    ["pk", "sk:N"],
  );
}

/** Items as converted records. */
function recordsOf(
  { convert }: Opened,
  table: Table,
  items: Item[],
  event: SourceRecord["event"] = "SCAN",
): SourceRecord[] {
  const records = items.map((item) =>
    toRecord(event === "REMOVE" ? { event, key: keyIn(item, table) } : { event, item }, table),
  );
  convert.convert(records, table);
  return records;
}

type Documents = Pick<StoredPage, "bytes" | "ends">;

function encodedItems(opened: Opened, table: Table, items: Item[]): Documents {
  return opened.target.stored!.encode(segment(table), recordsOf(opened, table, items));
}

interface Digest {
  /** As text; undefined: no item's. */
  key: string | undefined;
  digest: bigint;
}

function digests(look: Stored, table: Table, { bytes, ends }: Documents): Digest[] {
  const found: Digest[] = [];
  look.digest(table, bytes, ends, (key, digest, index) => {
    const item = key && look.keyOf(table, key);
    found[index] = { key: item && keyText(item, table), digest };
  });
  return found;
}

async function readAll({ target, ctx }: Opened, table: Table, from?: Position): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const page of target.stored!.read(table, from, ctx.signal)) {
    found.push(...digests(target.stored!, table, page));
  }
  return found;
}

function taken(
  opened: Opened,
  table: Table,
  item: Item,
): { document: ReturnType<Stored["decode"]>; digest: bigint } {
  const { stored: look } = opened.target;
  const encoded = encodedItems(opened, table, [item]);
  const [digest] = digests(look!, table, encoded);
  return {
    document: look!.decode(table, encoded.bytes.subarray(0, encoded.ends[0])),
    digest: digest!.digest,
  };
}
