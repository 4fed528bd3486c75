/** What an `error` hook decides of writes, in memory: the rest of a batch is written, once and in order. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MigrationError } from "../../../core/errors.ts";
import type { ErrorEvent } from "../../../core/plugin/hooks.ts";
import type { Batch } from "../../../core/types.ts";
import { BATCH_OF_3, copied, pages, sorted } from "../../fakes/copying.ts";
import { memoryTarget } from "../../fakes/context.ts";

const home = process.cwd();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nimo-shake-decide-"));
  // Skipped records go to a file in the working folder.
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const keysOf = ({ records }: Batch): number[] => records.map(({ keys }) => Number(keys["pk"]!.S));

/** A target that refuses batches with one of these keys. */
function picky(bad: number[]) {
  const written: number[] = [];
  const target = memoryTarget(async (batch) => {
    const refused = keysOf(batch).find((key) => bad.includes(key));
    if (refused !== undefined) throw new MigrationError("DATA_UNFIT", `no ${refused}`);
    written.push(...keysOf(batch));
  });
  return { target, written };
}

test("skip: what fails by itself is left out, the others of its batch are written before what comes after", async () => {
  const { target, written } = picky([4, 8]);
  const asked: [string, number, number][] = [];
  const { counters, surplus, ctx } = await copied(
    pages([[6, 6]]),
    target,
    { ...BATCH_OF_3, id: "skip" },
    (ctx) =>
      ctx.hook("error", (e: ErrorEvent) => {
        asked.push([e.stage, e.attempt, e.batch!.records.length]);
        e.action = "skip";
      }),
  );
  expect(await surplus).toBe(0);
  expect(written).toEqual([0, 1, 2, 3, 5, 6, 7, 9, 10, 11]);
  expect(counters).toMatchObject({ read: 12, written: 10, filtered: 2, skipped: 2 });
  expect(asked).toEqual([
    ["write", 1, 3],
    ["write", 1, 1],
    ["write", 1, 3],
    ["write", 1, 1],
  ]);
  await (ctx as unknown as AsyncDisposable)[Symbol.asyncDispose]();
  const lines = readFileSync("skip-skipped.jsonl", "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { table: "t", stage: "write", code: "DATA_UNFIT", error: "no 4", keys: { pk: { S: "4" } } },
    { keys: { pk: { S: "8" } } },
  ]);
});

test("retry: the same batch again, until it is taken; the ones after it wait", async () => {
  let failures = 3;
  const target = memoryTarget(async (batch) => {
    if (keysOf(batch)[0] === 3 && failures-- > 0) throw new MigrationError("TARGET_FAILED", "not now");
  });
  const attempts: number[] = [];
  const { counters, surplus } = await copied(pages([[9]]), target, BATCH_OF_3, (ctx) =>
    ctx.hook("error", (e) => {
      attempts.push(e.attempt);
      e.action = "retry";
    }),
  );
  expect(await surplus).toBe(0);
  expect(attempts).toEqual([1, 2, 3]);
  expect(target.batches.map(([first]) => Number(first))).toEqual([0, 3, 3, 3, 3, 6]);
  expect(counters).toMatchObject({ written: 9, skipped: 0 });
});

test.each(["skip", "stop", undefined] as const)(
  "a source that fails can't be left out: action %p",
  async (action) => {
    const source = pages([[3], [3]]);
    source.read = async function* () {
      yield* [];
      throw new MigrationError("SOURCE_FAILED", "no more");
    };
    const { surplus } = await copied(source, memoryTarget(), BATCH_OF_3, (ctx) =>
      ctx.hook("error", (e) => void (action && (e.action = action))),
    );
    expect(await surplus.catch((error: MigrationError) => error.code)).toBe("SOURCE_FAILED");
  },
);

test("a reader that fails goes on behind its last page", async () => {
  const source = pages([[4, 4, 4]]);
  const read = source.read.bind(source);
  const from: unknown[] = [];
  let pagesGiven = 0;
  source.read = async function* (unit, options) {
    from.push(options.from);
    const at = Number(options.from?.["at"]?.N ?? 0);
    let place = 0;
    for await (const page of read(unit, options)) {
      if (place++ < at) continue;
      if (pagesGiven === 2 && from.length === 1) throw new MigrationError("SOURCE_FAILED", "cut off");
      pagesGiven++;
      yield { ...page, position: place < 3 ? { at: { N: String(place) } } : undefined };
    }
  };
  const target = memoryTarget();
  const { counters, surplus } = await copied(source, target, BATCH_OF_3, (ctx) =>
    ctx.hook("error", (e) => void (e.action = "retry")),
  );
  expect(await surplus).toBe(0);
  expect(from).toEqual([undefined, { at: { N: "2" } }]);
  expect(sorted(target)).toEqual(Array.from({ length: 12 }, (_, n) => n));
  expect(counters).toMatchObject({ read: 12, written: 12 });
});
