/** The states of tables when a run has ended before its end: failed is only what has failed. */
import { expect, test } from "bun:test";
import { MigrationError } from "../../../core/errors.ts";
import { createProgress } from "../../../core/progress/progress.ts";
import { runMigration } from "../../../core/run/run.ts";
import type { Page, Table } from "../../../core/types.ts";
import { builtinPlugin } from "../../../plugins/index.ts";
import {
  memoryCheckpoint,
  memorySource,
  memoryTarget,
  page,
  testConfig,
  testTable,
} from "../../fakes/context.ts";

const [A, B] = ["a", "b"].map((name): Table => testTable("pk", undefined, { name, targetName: name }));

/** Copies both tables, the first page of which is empty; gives their states at the end. */
async function ended(next: (table: string, signal: AbortSignal) => Promise<Page>, signal?: AbortSignal) {
  const progress = createProgress();
  const source = memorySource([
    async function* ({ table }, { signal: stop }) {
      yield { ...page([]), position: { pk: { S: "a" } } };
      yield next(table.name, stop);
    },
  ]);
  const failure = await runMigration({
    builtins: builtinPlugin,
    config: testConfig({ id: "states" }),
    progress,
    ...(signal && { signal }),
    plugins: [
      {
        name: "memory",
        setup(ctx) {
          ctx.provide("source", { ...source, tables: async () => [A!, B!] });
          ctx.provide("target", memoryTarget());
          ctx.provide("checkpoint", memoryCheckpoint());
        },
      },
    ],
  }).catch((error: unknown) => error as MigrationError);
  const tables = [...progress.tables.values()].map(({ name, state, finishedAt }) => [
    name,
    state,
    finishedAt !== undefined,
  ]);
  return { failure, tables };
}

/** Waits for the stop, and fails with its reason. */
const untilStopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });

test("after a stop: where they were", async () => {
  const stop = new AbortController();
  let reached = 0;
  const { failure, tables } = await ended((_, signal) => {
    if (++reached === 2) stop.abort(new MigrationError("INTERRUPTED", "SIGTERM stopped the run"));
    return untilStopped(signal);
  }, stop.signal);
  expect(failure).toMatchObject({ code: "INTERRUPTED" });
  expect(tables).toEqual([
    ["a", "copying", false],
    ["b", "copying", false],
  ]);
});

test("after a table's failure: that one has failed, and the others are where they were", async () => {
  const waiting = Promise.withResolvers<void>();
  const { failure, tables } = await ended(async (table, signal) => {
    if (table === "b") {
      waiting.resolve();
      return untilStopped(signal);
    }
    await waiting.promise;
    throw new MigrationError("SOURCE_FAILED", "no such page");
  });
  expect(failure).toMatchObject({ code: "SOURCE_FAILED" });
  expect(tables).toEqual([
    ["a", "failed", true],
    ["b", "copying", false],
  ]);
});
