/** What a copy over what is there deletes in the end, and what it leaves. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Closing } from "../../../core/flow/gate.ts";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { type TableProgress, trackTable } from "../../../core/progress/progress.ts";
import { checkResync } from "../../../core/run/resync.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import { sweep } from "../../../core/run/sweep.ts";
import type { Item } from "../../../core/types.ts";
import { memorySource, memoryTarget, testConfig, testTable } from "../../fakes/context.ts";

const TABLE = testTable("pk");
const numbers = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `k${from + i}`);
const itemOf = (pk: string): Item => ({ pk: { S: pk }, n: { N: pk.slice(1) } });

interface Scene {
  ctx: OwnedContext;
  counters: TableProgress;
  documents: Set<string>;
  /** Keys that were looked up. */
  asked: string[];
}

/** Documents and items by key; so many of the documents were written again. */
async function scene(
  documents: string[],
  items: string[],
  written: number,
  settings: Record<string, string> = {},
  can: Partial<Source> = {},
): Promise<Scene> {
  const ctx = createContext({ config: testConfig({ sync_mode: "all", on_gap: "resync", ...settings }) });
  const there = new Set(documents);
  const asked: string[] = [];
  const target = memoryTarget();
  target.count = async () => there.size;
  target.keys = async function* () {
    yield [...there].map((pk) => ({ pk }));
  };
  target.apply = async ({ records }) => {
    for (const { keys } of records) there.delete(keys["pk"]!.S!);
    return { inserted: 0, replaced: 0, deleted: records.length, duplicates: 0, ms: 0 };
  };
  const text = ({ pk }: Item): string => pk!.S!;
  const source: Source = {
    ...memorySource([]),
    async absent(_, keys) {
      asked.push(...keys.map(text));
      return keys.filter((key) => !items.includes(text(key)));
    },
    async items(_, keys) {
      asked.push(...keys.map(text));
      return keys.filter((key) => items.includes(text(key))).map((key) => itemOf(text(key)));
    },
    ...can,
  };
  await ctx.use({
    name: "memory",
    setup(ctx) {
      ctx.provide("source", source);
      ctx.provide("target", target);
      ctx.provide("convert", {
        fieldPath: ({ name }) => name,
        convert(records) {
          for (const record of records) {
            record.key = { pk: record.keys["pk"]!.S };
            if (record.op === "put") record.document = { ...record.key };
          }
          return { overflowed: 0 };
        },
      });
    },
  });
  const counters = trackTable(ctx.progress, TABLE);
  counters.written = written;
  return { ctx, counters, documents: there, asked };
}

describe("the sweep", () => {
  test("deletes what is gone, and nothing else", async () => {
    const { ctx, counters, documents } = await scene(numbers(2000), numbers(1400), 1400);
    await sweep(ctx, TABLE, counters);
    expect([...documents]).toEqual(numbers(1400));
  });

  test("deletes what was written again and is gone by now", async () => {
    const { ctx, counters, documents } = await scene(numbers(100), numbers(60), 90);
    await sweep(ctx, TABLE, counters);
    expect([...documents]).toEqual(numbers(60));
  });

  test.each(["pause", "stop"] as const)("deletes nothing more after a %s", async (what) => {
    const { ctx, counters, documents } = await scene(numbers(9000), numbers(5000), 5000);
    const target = ctx.role("target");
    const { apply } = target;
    const begun = Promise.withResolvers<Closing | undefined>();
    let calls = 0;
    target.apply = async (...args) => {
      if (calls++ === 0) {
        begun.resolve(what === "pause" ? ctx.gate.close() : undefined);
        if (what === "stop") ctx.stop(new Error("stopped"));
      }
      await sleep(5);
      return apply!(...args);
    };
    const swept = sweep(ctx, TABLE, counters).catch((error: Error) => error.message);
    const closing = await begun.promise;
    await (closing?.atRest ?? swept);
    const left = documents.size;
    await sleep(50);
    // Those that were on their way.
    expect(left).toBeWithin(7000, 9000);
    expect(documents.size).toBe(left);
    closing?.open();
    expect(await swept).toBe((what === "pause" ? undefined : "stopped") as never);
    expect(documents.size).toBe(what === "pause" ? 5000 : left);
  });

  test("asks for nothing when all there is was written again", async () => {
    const { ctx, counters, documents, asked } = await scene(numbers(20), [], 20);
    await sweep(ctx, TABLE, counters);
    expect(documents.size).toBe(20);
    expect(asked).toEqual([]);
  });

  test.each([
    ["every key is another at the source", numbers(20), numbers(20, 100), 15],
    ["most of them are", numbers(20), numbers(4), 15],
  ])("stops before the first delete when %s", async (_, documents, items, written) => {
    const scened = await scene(documents, items, written);
    const failure = await sweep(scened.ctx, TABLE, scened.counters).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "COUNT_MISMATCH" });
    expect((failure as MigrationError).message).toContain("table t, nothing is deleted");
    expect(scened.documents.size).toBe(20);
  });

  test("what a plugin leaves out by now is deleted; what it fails on stays, where an error hook skips it", async () => {
    const { ctx, counters, documents } = await scene(numbers(12), numbers(10), 5);
    ctx.hook("fetch:after", (e) => {
      if (e.records.some(({ keys }) => keys["pk"]!.S === "k7")) throw new Error("no");
      e.keep((item) => Number(item["n"]!.N) < 5);
    });
    ctx.hook("error", (e) => void (e.action = "skip"));
    await sweep(ctx, TABLE, counters);
    expect([...documents].toSorted()).toEqual([...numbers(5), "k7"]);
  });

  test("what write:before leaves out is deleted, too", async () => {
    const { ctx, counters, documents } = await scene(numbers(12), numbers(10), 5);
    ctx.hook("write:before", (e) => void (e.records = e.records.slice(0, 5)));
    await sweep(ctx, TABLE, counters);
    expect([...documents]).toEqual(numbers(5));
  });
});

describe("on_gap = resync is refused at the start", () => {
  const plugin = (keepsKeys?: boolean) => ({
    name: "keyed",
    ...(keepsKeys !== undefined && { keepsKeys }),
    setup: (ctx: OwnedContext | Parameters<Parameters<OwnedContext["use"]>[0]["setup"]>[0]) =>
      ctx.hook("convert:before", () => {}),
  });

  test("with a plugin that doesn't say that it keeps its keys", async () => {
    const { ctx } = await scene([], [], 0);
    checkResync(ctx);
    await ctx.use(plugin());
    expect(() => checkResync(ctx)).toThrow("plugin keyed");
  });

  test("not with one that says so", async () => {
    const { ctx } = await scene([], [], 0);
    await ctx.use(plugin(true));
    checkResync(ctx);
  });

  test("with plugins over a source that can't look items up", async () => {
    const { ctx } = await scene([], [], 0, {}, { items: undefined as never });
    checkResync(ctx);
    await ctx.use(plugin(true));
    expect(() => checkResync(ctx)).toThrow("look items up");
  });

  test("with full.read.filter_expression", async () => {
    const { ctx } = await scene([], [], 0, {
      "full.read.filter_expression": "n > :n",
      "full.read.filter_attributevalues": ":n```N```5",
    });
    expect(() => checkResync(ctx)).toThrow("full.read.filter_expression");
  });
});
