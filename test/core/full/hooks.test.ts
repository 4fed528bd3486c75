/** Hooks in the full phase: when they are called, and what they may do. */
import { describe, expect, test } from "bun:test";
import type { Context } from "../../../core/plugin/context.ts";
import { BATCH_OF_3, copied, pages, sorted, TABLE } from "../../fakes/copying.ts";
import { memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";

describe("hooks", () => {
  test("are called in the order of the stages, with the page's records or the batch's", async () => {
    const log: string[] = [];
    const { surplus } = await copied(pages([[2, 2]]), memoryTarget(), BATCH_OF_3, (ctx) => {
      const show = (name: string, { records }: { records: { document?: unknown }[] }): void =>
        void log.push(`${name} ${records.length}${records[0]!.document ? " documents" : ""}`);
      ctx.hook("fetch:after", (e) => show("fetch:after", e));
      ctx.hook("convert:before", (e) => show("convert:before", e));
      ctx.hook("convert:after", (e) => show("convert:after", e));
      ctx.hook("write:before", (e) => show("write:before", e));
      ctx.hook("write:after", (e) => {
        expect([e.phase, e.table, e.unit]).toEqual([
          "full",
          TABLE,
          { phase: "full", table: TABLE, segment: 0, segments: 1 },
        ]);
        show(`write:after ${e.result.inserted} of`, e);
      });
    });
    await surplus;
    const ofPage = ["fetch:after 2", "convert:before 2", "convert:after 2 documents"];
    const conversions = log.filter((line) => !line.startsWith("write"));
    const writes = log.filter((line) => line.startsWith("write"));
    expect(conversions).toEqual([...ofPage, ...ofPage]);
    // A hook that may drop records sees them page by page: so the checkpoint knows what became of each page.
    const ofWrite = ["write:before 2 documents", "write:after 2 of 2 documents"];
    expect(writes.toSorted()).toEqual([...ofWrite, ...ofWrite].toSorted());
    expect(writes[0]).toBe(ofWrite[0]);
    expect(log.indexOf(writes[0]!)).toBeGreaterThan(log.indexOf("convert:after 2 documents"));
  });

  test("fetch:before sees the request before it is sent, and may edit it", async () => {
    const sent: object[] = [];
    const source = memorySource([
      async function* (_unit, { beforeRequest }) {
        const request = { Limit: 10 };
        await beforeRequest(request);
        sent.push(request);
        yield page(numbered(TABLE, 0, 1));
      },
    ]);
    const { surplus } = await copied(source, memoryTarget(), {}, (ctx) => {
      ctx.hook("fetch:before", ({ request }) => void Object.assign(request, { Limit: 5 }));
    });
    await surplus;
    expect(sent).toEqual([{ Limit: 5 }]);
  });

  const even = (pk: string): boolean => Number(pk) % 2 === 0;
  const keptEven = (records: { keys: { pk?: { S?: string } } }[]) =>
    records.filter(({ keys }) => even(keys.pk!.S!));
  test.each<[string, (ctx: Context) => void]>([
    ["keep in fetch:after", (ctx) => ctx.hook("fetch:after", (e) => e.keep((item) => even(item.pk!.S!)))],
    [
      "a new list in fetch:after",
      (ctx) => ctx.hook("fetch:after", (e) => void (e.records = keptEven(e.records) as typeof e.records)),
    ],
    [
      "a new list in convert:before",
      (ctx) => ctx.hook("convert:before", (e) => void (e.records = keptEven(e.records) as typeof e.records)),
    ],
    [
      "a new list in convert:after",
      (ctx) => ctx.hook("convert:after", (e) => void (e.records = keptEven(e.records) as typeof e.records)),
    ],
    [
      "a new list in write:before",
      (ctx) => ctx.hook("write:before", (e) => void (e.records = keptEven(e.records) as typeof e.records)),
    ],
  ])("records dropped by %s are counted as filtered", async (_what, plugin) => {
    const target = memoryTarget();
    const { surplus, counters } = await copied(pages([[5, 5]]), target, BATCH_OF_3, plugin);
    expect(await surplus).toBe(0);
    expect(counters).toMatchObject({ read: 10, filtered: 5, written: 5 });
    expect(sorted(target)).toEqual([0, 2, 4, 6, 8]);
  });

  // the dropped ones are counted by the length of the very list that the hook has shortened
  describe.each(["fetch:after", "convert:before", "convert:after", "write:before"] as const)("%s", (name) => {
    test("may drop records in place too", async () => {
      const { surplus, counters } = await copied(pages([[5, 5]]), memoryTarget(), {}, (ctx) => {
        ctx.hook(name, (e: { records: unknown[] }) => void e.records.splice(1, 2));
      });
      await surplus;
      expect(counters.read - counters.filtered).toBe(counters.written);
    });
  });

  test("all records of a batch dropped: nothing is sent", async () => {
    const target = memoryTarget();
    const { surplus, counters } = await copied(pages([[4]]), target, BATCH_OF_3, (ctx) => {
      ctx.hook("write:before", (e) => void (e.records = []));
    });
    await surplus;
    expect(target.batches).toEqual([]);
    expect(counters).toMatchObject({ filtered: 4, written: 0 });
  });

  test("one that throws fails the copy", async () => {
    const { surplus } = await copied(pages([[4]]), memoryTarget(), {}, (ctx) => {
      ctx.hook("convert:before", () => {
        throw new Error("oops");
      });
    });
    await expect(surplus).rejects.toMatchObject({
      code: "HOOK_FAILED",
      message: expect.stringContaining("convert:before"),
    });
  });
});
