/** The source's contract itself: one that keeps it passes, and one that breaks a promise is caught. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { keyText } from "../../core/schema/keys.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Item, SourceRecord, Table } from "../../core/types.ts";
import { type ContractCase, sourceContract } from "./index.ts";
import { keyIn, makeTable, someItems } from "./items.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TABLES: Table[] = [makeTable("plain"), makeTable("sorted", ["pk:N", "sk:B"])].map((table) => ({
  ...table,
  name: table.targetName,
}));
const ITEMS: Record<string, Item[]> = Object.fromEntries(
  TABLES.map((table) => [table.name, someItems(table, 0, 47)]),
);

/** Ways to be wrong, and parts of the names of the cases that have to see it. */
const FLAWS: Record<string, string[]> = {
  "the key is of another type": ["tables are described"],
  "the white list is ignored": ["tables are filtered"],
  "the black list is ignored": ["tables are filtered"],
  "units change with the settings": ["units are the same"],
  "the last item of a page is lost": ["read gives every item"],
  "segments overlap": ["read gives every item"],
  "keys have too much": ["read gives every item"],
  "a position is a page behind": ["read goes on"],
  "a position is a number of this process": ["read goes on"],
  "positions have dates": ["read goes on"],
  "the last page has a position": ["a page has a position"],
  "bytes are not counted": ["a page has a position"],
  "the body is another page's": ["a page's body"],
  "hooks are called once": ["beforeRequest is called"],
  "edits are ignored": ["beforeRequest is called"],
  "errors of hooks are swallowed": ["what beforeRequest throws"],
  "a reader that is broken off stays busy": ["reading can be broken off"],
  "the stop is ignored": ["a run that is to stop"],
  "absent looks at the partition key": ["absent gives"],
  "absent gives those that are there": ["absent gives"],
  "items are keys": ["items gives"],
  "an item comes twice": ["items gives"],
  "close a second time fails": ["close can be called twice"],
};

function memorySource(flaw?: string): Plugin {
  return {
    name: "memory",
    setup(ctx) {
      const has = (one: string): boolean => flaw === one;
      const { "filter.collection.white": white, "filter.collection.black": black } = ctx.config;
      const handles: number[] = [];
      const busy = new Set<string>();
      let closed = 0;
      ctx.provide("source", {
        async tables() {
          const missing = white.filter((name) => ITEMS[name] === undefined);
          if (missing.length > 0) throw new Error(`there is no table ${missing.join(", ")}`);
          return TABLES.filter(({ name }) => {
            const listed = white.length === 0 || white.includes(name) || has("the white list is ignored");
            return listed && (!black.includes(name) || has("the black list is ignored"));
          }).map((table): Table => {
            const partition = { ...table.keys.partition, type: "B" as const };
            return has("the key is of another type") ? { ...table, keys: { partition } } : table;
          });
        },
        units(table, count) {
          const now = Number(ctx.config["full.read.concurrency"]);
          const segments = has("units change with the settings") ? now : (count ?? now);
          return Array.from({ length: segments }, (_, segment) => ({
            phase: "full",
            table,
            segment,
            segments,
          }));
        },
        async *read({ table, segment, segments }, { from, beforeRequest, signal }) {
          const all = ITEMS[table.name]!.filter(
            (_, n) => n % segments === segment || (n === 0 && has("segments overlap")),
          );
          const reader = `${table.name} ${segment}`;
          if (busy.has(reader)) throw new Error("busy");
          if (has("a reader that is broken off stays busy")) busy.add(reader);
          const first = Number(from?.["at"]?.N ?? 0);
          let at = has("a position is a number of this process") ? (handles[first - 1] ?? 0) : first;
          do {
            if (!has("the stop is ignored")) signal.throwIfAborted();
            const request: { only: (item: Item) => boolean } = { only: () => true };
            const called = !has("hooks are called once") || at === first;
            try {
              if (called) await beforeRequest(request);
            } catch (error) {
              if (!has("errors of hooks are swallowed")) throw error;
            }
            const some = all
              .slice(at, at + 5)
              .filter(has("edits are ignored") ? () => true : request.only)
              .slice(0, has("the last item of a page is lost") ? 4 : 5);
            at += 5;
            const records = some.map((item): SourceRecord => {
              return {
                op: "put",
                event: "SCAN",
                keys: has("keys have too much") ? item : keyIn(item, table),
                item,
              };
            });
            const last = at >= all.length && !has("the last page has a position");
            const place = has("a position is a number of this process") ? handles.push(at) : at;
            const position = { at: { N: String(has("a position is a page behind") ? place - 5 : place) } };
            if (has("positions have dates")) Object.assign(position, { since: new Date() });
            const others = has("the body is another page's") ? all.slice(0, 5) : some;
            yield {
              records,
              body: Buffer.from(JSON.stringify({ Items: others })),
              position: last ? undefined : position,
              bytes: has("bytes are not counted") ? 0 : 100,
            };
          } while (at < all.length);
          busy.delete(reader);
        },
        async absent(table, keys) {
          const text = (item: Item): string =>
            has("absent looks at the partition key")
              ? JSON.stringify(item[table.keys.partition.name])
              : keyText(item, table);
          const there = new Set(ITEMS[table.name]!.map(text));
          return keys.filter((key) => there.has(text(key)) === has("absent gives those that are there"));
        },
        async items(table, keys) {
          const asked = keys.map((key) => keyText(key, table));
          const wanted = has("an item comes twice") ? asked : [...new Set(asked)];
          const there = new Map(ITEMS[table.name]!.map((item) => [keyText(item, table), item]));
          const found = wanted.flatMap((text) => there.get(text) ?? []);
          return has("items are keys") ? found.map((item) => keyIn(item, table)) : found;
        },
        close() {
          if (closed++ > 0 && has("close a second time fails")) throw new Error("closed already");
        },
      });
    },
  };
}

function cases(flaw?: string): ContractCase[] {
  return sourceContract({
    plugin: memorySource(flaw),
    makePlace: async () => ({ settings: {}, tables: ITEMS, [Symbol.asyncDispose]: async () => {} }),
    can: { absent: true, items: true },
    edit: {
      change: (request) => void Object.assign(request, { only: keeps }),
      keeps,
    },
  });
}

const keeps = ({ text }: Item): boolean => text!.S!.length % 2 === 0;

describe("a source that keeps it", () => {
  for (const { name, run } of cases()) test(name, run);
});

describe("a source that breaks it is caught", () => {
  test.each(Object.keys(FLAWS))("%s", async (flaw) => {
    const failed: string[] = [];
    for (const { name, run } of cases(flaw)) {
      if (FLAWS[flaw]!.some((part) => name.includes(part))) await run().catch(() => failed.push(name));
    }
    for (const part of FLAWS[flaw]!) expect(failed).toContainEqual(expect.stringContaining(part));
  });
});
