/** What a source promises of reading: every item once, from any position on, as often as one likes. */
import assert from "node:assert/strict";
import type { Item, Page, Position } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { assertAll, assertSame, endsSoon } from "./same.ts";
import type { SourceContract } from "./source-options.ts";
import { withSource } from "./source-scene.ts";

/** Positions are tried out of each unit; all of them where it has no more. */
const MOST_POSITIONS = 12;

/** The cases. */
export function readCases(options: SourceContract): ContractCase[] {
  return [
    {
      name: "read gives every item once, with its keys, whatever the number of units",
      run: () =>
        withSource(options, async ({ open, concurrency, has }) => {
          for (const lanes of concurrency) {
            const opened = await open({ "full.read.concurrency": String(lanes) });
            for (const { table, items } of await opened.tables()) {
              const units = opened.source.units(table);
              const pages = await Promise.all(units.map((unit) => opened.pages(unit)));
              has(pages.flat(), items, table, `${table.name}, ${units.length} units`);
            }
          }
        }),
    },
    {
      name: "read goes on from every position with exactly the rest, in another process too",
      run: () =>
        withSource(options, async ({ open, concurrency, has }) => {
          let positions = 0;
          for (const lanes of concurrency) {
            const settings = { "full.read.concurrency": String(lanes) };
            const first = await open(settings);
            const next = await open(settings);
            for (const { table } of await first.tables()) {
              for (const unit of first.source.units(table)) {
                const pages = await first.pages(unit);
                const [again] = next.source.units(table, unit.segments).slice(unit.segment);
                for (const n of spread(pages.length - 1)) {
                  const rest = pages.slice(n + 1).flatMap(({ records }) => records.map(({ item }) => item!));
                  const where = `${table.name}, unit ${unit.segment} of ${unit.segments}, behind page ${n + 1}`;
                  has(await next.pages(again!, saved(pages[n]!, where)), rest, table, where);
                  positions++;
                }
              }
            }
          }
          assert.ok(positions > 0, "no unit has two pages: give more items, or fewer a page");
        }),
    },
    {
      name: "a page has a position unless it is the last, which has none, and bytes",
      run: () =>
        withSource(options, async ({ open }) => {
          const opened = await open();
          for (const { table } of await opened.tables()) {
            for (const unit of opened.source.units(table)) {
              const pages = await opened.pages(unit);
              assert.equal(pages.at(-1)?.position, undefined, "the last page has a position");
              for (const page of pages.slice(0, -1)) saved(page, table.name);
              for (const { bytes, records } of pages) {
                assert.ok(Number.isSafeInteger(bytes) && bytes >= 0, `bytes is ${bytes}`);
                assert.ok(bytes > 0 || records.length === 0, "a page with records has no bytes");
              }
            }
          }
        }),
    },
    {
      name: "a page's body, where it has one, holds the same items as its records",
      run: () =>
        withSource(options, async ({ open }) => {
          const opened = await open();
          for (const { table } of await opened.tables()) {
            for (const unit of opened.source.units(table)) {
              for (const { body, records } of await opened.pages(unit)) {
                if (body === undefined) continue;
                const answer = JSON.parse(body.toString("utf8")) as { Items?: Item[] };
                const items = records.map(({ item }) => item);
                assertSame(answer.Items ?? [], items, `${table.name}: body and records`);
              }
            }
          }
        }),
    },
    {
      name: "beforeRequest is called before each request, and its edits count",
      run: () =>
        withSource(options, async ({ open, has }) => {
          const { ctx, source, tables } = await open();
          const { change, keeps } = options.edit;
          let left = 0;
          for (const { table, items } of await tables()) {
            const found: Page[] = [];
            for (const unit of source.units(table)) {
              let calls = 0;
              const beforeRequest = async (request: object): Promise<void> => {
                assert.ok(typeof request === "object" && request !== null, "a request is no object");
                calls++;
                change(request);
              };
              const pages = source.read(unit, { from: undefined, signal: ctx.signal, beforeRequest });
              let read = 0;
              for await (const page of pages) {
                assert.ok(calls > read++, "a page came without a call of beforeRequest");
                found.push(page);
              }
            }
            has(found, items.filter(keeps), table, `${table.name}, runRecordHook`);
            left += items.length - items.filter(keeps).length;
          }
          assert.ok(left > 0, "the edit leaves no item out: nothing was tested");
        }),
    },
    {
      name: "what beforeRequest throws ends the reading",
      run: () =>
        withSource(options, async ({ open }) => {
          const { ctx, source, tables } = await open();
          const { table } = (await tables())[0]!;
          const beforeRequest = (): Promise<void> => Promise.reject(new Error("a hook's own"));
          const read = source.read(source.units(table)[0]!, {
            from: undefined,
            signal: ctx.signal,
            beforeRequest,
          });
          await assert.rejects(Array.fromAsync(read), /a hook's own/);
        }),
    },
    {
      name: "reading can be broken off and begun again",
      run: () =>
        withSource(options, async ({ open, has }) => {
          const opened = await open();
          for (const { table, items } of await opened.tables()) {
            const units = opened.source.units(table);
            for (const unit of units) {
              for await (const page of opened.read(unit)) if (page.records.length >= 0) break;
              const reader = opened.read(unit)[Symbol.asyncIterator]();
              await reader.next();
              await reader.return?.();
              assert.equal((await reader.next()).done, true, "a reader goes on after its return");
            }
            const pages = await Promise.all(units.map((unit) => opened.pages(unit)));
            has(pages.flat(), items, table, `${table.name}, after it was broken off`);
          }
        }),
    },
    {
      name: "units can be read at the same time, by several readers each",
      run: () =>
        withSource(options, async ({ open, concurrency }) => {
          const opened = await open({ "full.read.concurrency": String(Math.max(...concurrency)) });
          const all = (await opened.tables()).flatMap(({ table }) => opened.source.units(table));
          const alone: unknown[][] = [];
          for (const unit of all) alone.push(itemsOf(await opened.pages(unit)));
          const twice = await Promise.all(
            [...all, ...all].map(async (unit) => itemsOf(await opened.pages(unit))),
          );
          for (const [n, items] of twice.entries()) {
            assertAll(items, alone[n % all.length]!, `unit ${n % all.length}, read by several`);
          }
        }),
    },
    {
      name: "a run that is to stop ends its reading soon",
      run: () =>
        withSource(options, async ({ open }) => {
          const opened = await open();
          for (const { table } of await opened.tables()) {
            const unit = opened.source.units(table)[0]!;
            const stop = new AbortController();
            const at = { from: undefined, signal: stop.signal, beforeRequest: async () => {} };
            const reader = opened.source.read(unit, at)[Symbol.asyncIterator]();
            const first = await reader.next();
            const second = reader.next();
            stop.abort(new Error("enough"));
            await endsSoon(second, "a page that was asked for before the stop");
            // What was on its way may still come, then nothing.
            const third = await endsSoon(reader.next(), "the page behind it");
            const pages = third.status === "fulfilled" && third.value.done !== true;
            assert.ok(first.done !== true && !pages, "reading goes on after the stop");
            await endsSoon(Promise.resolve(reader.return?.()), "return");
            await endsSoon(
              Array.fromAsync(opened.source.read(unit, at)),
              "reading that begins after the stop",
            );
          }
        }),
    },
  ];
}

const itemsOf = (pages: Page[]): unknown[] => pages.flatMap(({ records }) => records.map(({ item }) => item));

/** A page's position as it comes out of a checkpoint. */
function saved({ position }: Page, where: string): Position {
  assert.ok(position !== undefined, `${where}: a page that isn't the last has no position`);
  const text = JSON.stringify(position);
  const loaded = JSON.parse(text) as Position;
  assertSame(loaded, position, `${where}: the position isn't JSON-safe`);
  return loaded;
}

/** So many numbers from 0 on, or some of them with the first and the last. */
function spread(count: number): number[] {
  const all = Array.from({ length: Math.max(0, count) }, (_, n) => n);
  const step = Math.ceil(count / MOST_POSITIONS);
  return all.filter((n) => n % step === 0 || n === count - 1);
}
