/** A table's copy in memory: its batches, its memory, its stop, and where it goes on. */
import { describe, expect, test } from "bun:test";
import type { Source } from "../../../core/plugin/roles.ts";
import type { Page } from "../../../core/types.ts";
import { BATCH_OF_3, copied, pages, sorted, TABLE } from "../../fakes/copying.ts";
import { memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("batches", () => {
  test.each([
    [
      "across pages",
      [2, 2, 2, 2],
      [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6", "7"],
      ],
    ],
    ["within a page", [7], [["0", "1", "2"], ["3", "4", "5"], ["6"]]],
    ["over empty pages", [0, 1, 0, 0, 3, 0], [["0", "1", "2"], ["3"]]],
    [
      "with nothing left over",
      [3, 3],
      [
        ["0", "1", "2"],
        ["3", "4", "5"],
      ],
    ],
    ["of nothing", [0], []],
    ["of no page at all", [], []],
  ])("are cut by count, %s", async (_what, sizes, expected) => {
    const target = memoryTarget();
    const { surplus } = await copied(pages([sizes]), target, {
      ...BATCH_OF_3,
      "full.document.concurrency": "1",
    });
    expect(await surplus).toBe(0);
    expect(target.batches).toEqual(expected);
  });

  test("of large items hold 2 MB", async () => {
    const target = memoryTarget();
    const large = memorySource([
      async function* () {
        yield { ...page(numbered(TABLE, 0, 7)), bytes: 7 * 700 * 1024 };
      },
    ]);
    const { surplus } = await copied(large, target, { "full.document.concurrency": "1" });
    expect(await surplus).toBe(0);
    expect(target.batches).toEqual([["0", "1"], ["2", "3"], ["4", "5"], ["6"]]);
  });

  /** Two pages of 1 MB, of small items. */
  const small = (): Source =>
    memorySource([
      async function* () {
        for (const from of [0, 3000]) yield { ...page(numbered(TABLE, from, 3000)), bytes: 1024 * 1024 };
      },
    ]);

  test.each<[string, Record<string, string>, number[]]>([
    ["hold 2 MB where nothing says how many", {}, [5991, 9]],
    [
      "hold as many as are asked for",
      { "full.document.write.batch": "1000" },
      [1000, 1000, 1000, 1000, 1000, 1000],
    ],
  ])("of small items %s", async (_, settings, expected) => {
    const target = memoryTarget();
    const { surplus } = await copied(small(), target, { "full.document.concurrency": "1", ...settings });
    expect(await surplus).toBe(0);
    expect(target.batches.map((batch) => batch.length)).toEqual(expected);
  });

  test("of several segments hold every item once", async () => {
    const target = memoryTarget(async () => Bun.sleep(Math.random() * 3));
    const { surplus, counters } = await copied(pages([[5, 7], [], [1], [20, 0, 4]]), target, BATCH_OF_3);
    expect(await surplus).toBe(0);
    expect(sorted(target)).toEqual(upTo(37));
    expect(counters).toMatchObject({ read: 37, written: 37, filtered: 0, bytes: 3700 });
    for (const batch of target.batches) expect(batch.length).toBeLessThanOrEqual(3);
  });

  test.each([1, 2, 5])(
    "full.document.concurrency = %d bounds a table's writes over all segments",
    async (width) => {
      const target = memoryTarget(async () => Bun.sleep(2));
      const settings = { ...BATCH_OF_3, "full.document.concurrency": String(width) };
      const { surplus } = await copied(pages([[30], [30], [30]]), target, settings);
      await surplus;
      expect(target.most).toBe(width);
      expect(sorted(target)).toEqual(upTo(90));
    },
  );
});

describe("memory", () => {
  test("the source is read no further than two pages ahead of a blocked target", async () => {
    const blocked = Promise.withResolvers<void>();
    let given = 0;
    const source = memorySource([
      function* () {
        for (; given < 1000; given++) yield page(numbered(TABLE, given * 3, 3));
      },
    ]);
    const target = memoryTarget(() => blocked.promise);
    const { surplus } = await copied(source, target, { ...BATCH_OF_3, "full.document.concurrency": "2" });
    await Bun.sleep(100);
    // two batches on their way, one waiting for a lane, one read ahead
    expect(target.running).toBe(2);
    expect(given).toBeLessThanOrEqual(4);
    blocked.resolve();
    await surplus;
    expect(sorted(target)).toEqual(upTo(3000));
  });
});

describe("counts", () => {
  test("fewer documents present than written fail the copy, and say by how much", async () => {
    const target = { ...memoryTarget(), count: async () => 7 };
    const { surplus } = await copied(pages([[10]]), target);
    await expect(surplus).rejects.toMatchObject({
      code: "COUNT_MISMATCH",
      message: expect.stringMatching(/^3 of 10 .*table t/),
    });
  });

  test("fewer written than read fail the copy, and say how many", async () => {
    const target = memoryTarget(async () => ({ inserted: 2 }));
    const { surplus } = await copied(pages([[3]]), target, BATCH_OF_3);
    await expect(surplus).rejects.toMatchObject({
      code: "COUNT_MISMATCH",
      message: expect.stringMatching(/^3 .* 2 .*table t/),
    });
  });

  test("replaced ones and duplicates are written too; more present are the surplus", async () => {
    const target = {
      ...memoryTarget(async () => ({ inserted: 1, replaced: 1, duplicates: 1 })),
      count: async () => 8,
    };
    const { surplus, counters } = await copied(pages([[6]]), target, BATCH_OF_3);
    expect(await surplus).toBe(2);
    expect(counters.written).toBe(6);
  });
});

describe("failures", () => {
  test("a failing write stops the others, and is what is thrown", async () => {
    const target = memoryTarget(async (_batch, nth) => {
      await Bun.sleep(1);
      if (nth === 4) throw new Error("disk full");
    });
    const endless = function* () {
      for (let i = 0; i < 100_000; i++) yield page(numbered(TABLE, i, 1));
    };
    const settings = { "full.document.write.batch": "1", "full.document.concurrency": "2" };
    const { surplus, ctx } = await copied(memorySource([endless, endless, endless]), target, settings);
    await expect(surplus).rejects.toThrow("disk full");
    expect(ctx.signal.reason).toMatchObject({ message: "disk full" });
    // those on their way, and a few that waited for a lane, of 300,000
    expect(target.batches.length).toBeLessThan(5 + 3 * 5);
    expect(target.running).toBe(0);
    const sent = target.batches.length;
    await Bun.sleep(20);
    expect(target.batches.length).toBe(sent);
  });

  test("a failing source lets what is on its way end, and closes", async () => {
    let closed = 0;
    const target = memoryTarget(() => Bun.sleep(10));
    const failing = async function* () {
      try {
        yield page(numbered(TABLE, 0, 3));
        throw new Error("gone");
      } finally {
        closed++;
      }
    };
    const { surplus } = await copied(memorySource([failing]), target, BATCH_OF_3);
    await expect(surplus).rejects.toThrow("gone");
    expect([target.batches.length, target.running, closed]).toEqual([1, 0, 1]);
  });

  test("the failure of one segment ends the others", async () => {
    const waiting = async function* (_unit: unknown, { signal }: { signal: AbortSignal }) {
      yield page(numbered(TABLE, 0, 1));
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      );
    };
    const failing = async function* () {
      yield page(numbered(TABLE, 1, 1));
      await Bun.sleep(5);
      throw new Error("gone");
    };
    const { surplus } = await copied(memorySource([waiting, failing]), memoryTarget());
    await expect(surplus).rejects.toThrow("gone");
  });

  // the failure is noticed only when the next page has come
  test("a failing write ends a source that waits for its next page", async () => {
    const hurry = Promise.withResolvers<void>();
    const waiting = async function* (_unit: unknown, { signal }: { signal: AbortSignal }) {
      yield page(numbered(TABLE, 0, 3));
      await Promise.race([
        hurry.promise,
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        ),
      ]);
    };
    const target = memoryTarget(async () => {
      await Bun.sleep(5);
      throw new Error("disk full");
    });
    const { surplus } = await copied(memorySource([waiting]), target, BATCH_OF_3);
    const outcome = surplus.then(
      () => "done",
      (error: Error) => error.message,
    );
    const inTime = await Promise.race([outcome, Bun.sleep(500).then(() => "still waiting")]);
    hurry.resolve();
    await outcome;
    expect(inTime).toBe("disk full");
  });

  // one more batch is sent before the failure is looked at
  test("after a failed write nothing more is sent", async () => {
    const target = memoryTarget(async () => {
      throw new Error("disk full");
    });
    const { surplus } = await copied(pages([[9]]), target, {
      ...BATCH_OF_3,
      "full.document.concurrency": "1",
    });
    await expect(surplus).rejects.toThrow("disk full");
    expect(target.batches.length).toBe(1);
  });
});

test("a source whose pages don't say how many bytes they have is refused", async () => {
  const { bytes: _, ...rest } = page(numbered(TABLE, 0, 3));
  const without = memorySource([() => [rest as Page]]);
  const { surplus } = await copied(without, memoryTarget());
  const says = "the source's pages don't say how many bytes they have: table t";
  await expect(surplus).rejects.toMatchObject({ code: "PLUGIN_INVALID", message: says });
});
