/** A place with sources at it, as processes would have them one after the other. */
import assert from "node:assert/strict";
import { keyAttributes } from "../../core/schema/keys.ts";
import type { OwnedContext } from "../../core/run/context.ts";
import type { Source } from "../../core/plugin/roles.ts";
import type { Item, Page, Position, SegmentUnit, Table } from "../../core/types.ts";
import { keyIn } from "./items.ts";
import { openContext } from "./open.ts";
import { assertAll, assertSame } from "./same.ts";
import type { SourceContract, SourcePlace } from "./source-options.ts";

/** A source in a context of its own. */
export interface OpenedSource {
  ctx: OwnedContext;
  source: Source;
  /** The place's tables as the source describes them, in the place's order. */
  tables(): Promise<{ table: Table; items: Item[] }[]>;
  /** Reads a unit page by page from a position. */
  read(unit: SegmentUnit, from?: Position): AsyncIterable<Page>;
  /** Reads a unit to its end. */
  pages(unit: SegmentUnit, from?: Position): Promise<Page[]>;
}

/** See the top of the file. */
export interface SourceScene {
  options: SourceContract;
  place: SourcePlace;
  /** The values of `full.read.concurrency` to read under. */
  concurrency: number[];
  /** A source as a new process has it. */
  open(settings?: Record<string, string>): Promise<OpenedSource>;
  /** Sees that pages have exactly these items, each once, as a scan gives them. */
  has(pages: Page[], items: Item[], table: Table, what: string): void;
}

/** Makes a place, lets work be done at it, and closes all sources that were opened there. */
export async function withSource(
  options: SourceContract,
  work: (scene: SourceScene) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await options.makePlace());
  assert.ok(Object.keys(place.tables).length >= 2, "the contract needs at least two tables");
  const seen = options.seen ?? ((item) => item);
  await work({
    options,
    place,
    concurrency: options.concurrency ?? [1, 4],
    async open(settings) {
      const ctx = stack.use(await openContext([options.plugin], { ...place.settings, ...settings }));
      return opened(ctx, place);
    },
    has(pages, items, table, what) {
      const records = pages.flatMap((page) => page.records);
      for (const { op, event, item, keys } of records) {
        assertSame([op, event], ["put", "SCAN"], `${what}: op and event`);
        assert.ok(item !== undefined, `${what}: a record without an item`);
        assertSame(keys, keyIn(item, table), `${what}: a record's keys`);
      }
      assertAll(
        records.map(({ item }) => seen(item!)),
        items.map(seen),
        what,
      );
    },
  });
}

function opened(ctx: OwnedContext, { tables }: SourcePlace): OpenedSource {
  const { signal } = ctx;
  const source = ctx.role("source");
  const read = (unit: SegmentUnit, from?: Position): AsyncIterable<Page> =>
    source.read(unit, { from, signal, beforeRequest: async () => {} });
  return {
    ctx,
    source,
    async tables() {
      const found = await source.tables(signal);
      return Object.entries(tables).map(([name, items]) => {
        const table = found.find((each) => each.name === name);
        assert.ok(table !== undefined, `tables doesn't give ${name}`);
        return { table, items };
      });
    },
    read,
    pages: (unit, from) => Array.fromAsync(read(unit, from)),
  };
}

/** Keys that no item has: other ones, and those of items with one attribute of another's. */
export function strangeKeys(table: Table, items: Item[], count: number): Item[] {
  const attributes = keyAttributes(table);
  const taken = new Set(items.map((item) => JSON.stringify(keyIn(item, table))));
  return Array.from({ length: count }, (_, n) => {
    const base = keyIn(items[n % items.length]!, table);
    const { name, type } = attributes.at(-1)!;
    const value = {
      S: `nobody's ${n}`,
      N: `${n}.000123`,
      B: Buffer.from(`nobody's ${n}`).toString("base64"),
    };
    return { ...base, [name]: { [type]: value[type] } };
  }).filter((key) => !taken.has(JSON.stringify(key)));
}
