/** The library: a migration as a function, on real servers. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type ConfigInput, createProgress, migrate, MigrationError } from "nimo-shake";
import { eventually } from "./eventually.ts";
import { dynamo, scenario, type Scenario, someItems } from "./helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const config = (s: Scenario, more: ConfigInput = {}): ConfigInput => ({
  ...(s.settings() as ConfigInput),
  ...more,
});

const failureOf = (run: Promise<unknown>): Promise<MigrationError> =>
  run.then(
    () => Promise.reject(new Error("nothing was thrown")),
    (error: unknown) => (error instanceof MigrationError ? error : Promise.reject(error as Error)),
  );

test("a full migration: values as they are, hooks, counts", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(300) });
  const seen: string[] = [];
  const progress = createProgress();
  const result = await migrate({
    config: config(s, {
      "full.concurrency": 2,
      "full.enable_index.user": true,
      "filter.collection.white": [table],
      "full.read.filter_expression": "n < :n",
      "full.read.filter_attributevalues": { ":n": { N: "200" } },
    }),
    hooks: {
      "fetch:after": (e) => e.keep((item) => Number(item["n"]!.N) % 2 === 0),
      "table:after": ({ table: { name }, written }) => void seen.push(`${name} ${written}`),
    },
    progress,
    onFullDone: () => seen.push("done"),
  });
  expect(result).toMatchObject({ read: 200, filtered: 100, written: 100, stopped: false });
  expect(result.changes).toEqual({ read: 0, written: 0 });
  expect(result.tables).toMatchObject([{ name: table, read: 200, written: 100, indexes: 2, state: "done" }]);
  expect(progress.tables.get(table)).toMatchObject({ written: 100 });
  expect(seen).toEqual([`${table} 100`, "done"]);
  expect(await s.db.collection(table).countDocuments({})).toBe(100);
});

test("plugins as objects and as files, with options of both kinds", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(3) });
  await migrate({
    config: { ...config(s), "plugin.only.status": "none" },
    plugins: [
      `${import.meta.dir}/../../examples/plugins/only.ts`,
      {
        name: "status",
        setup(ctx, options) {
          ctx.hook("fetch:before", () => {
            expect(options).toEqual({ n: 1 });
          });
        },
      },
    ],
    pluginOptions: { status: { n: 1 } },
  });
  expect(await s.db.collection(table).countDocuments({})).toBe(0);
});

test("a signal in the incremental phase ends it well, and it goes on there", async () => {
  await using s = await scenario();
  const table = await s.table("t", { items: someItems(5) });
  const stop = new AbortController();
  const all = config(s, { sync_mode: "all" });
  const running = migrate({ config: all, signal: stop.signal });
  const count = (): Promise<number> => s.db.collection(table).countDocuments({});
  await eventually(async () => expect(await count()).toBe(5));
  await dynamo(s.dynamoEndpoint, "PutItem", { TableName: table, Item: { pk: { S: "new" } } });
  await eventually(async () => expect(await count()).toBe(6));
  stop.abort();
  expect(await running).toMatchObject({ written: 5, changes: { written: 1 }, stopped: true });
  const later = new AbortController();
  const again = migrate({ config: all, signal: later.signal, onFullDone: () => later.abort() });
  expect(await again).toMatchObject({ stopped: true });
});

test("a signal before the copy is done is a failure", async () => {
  await using s = await scenario();
  await s.table("t", { items: someItems(200) });
  const stop = new AbortController();
  const slow = config(s, { "qps.full": 2, "qps.full.batch_num": 10 });
  const run = migrate({
    config: slow,
    signal: stop.signal,
    hooks: { "write:after": () => stop.abort("enough") },
  });
  expect(await failureOf(run)).toMatchObject({ code: "INTERRUPTED", cause: "enough" });
  const never = migrate({ config: slow, signal: AbortSignal.abort() });
  expect(await failureOf(never)).toMatchObject({ code: "INTERRUPTED" });
});

test("what can't be used is refused, all at once", async () => {
  const broken = migrate({ config: { "full.concurrency": 0, "target.address": "x", sync_mode: "full" } });
  const error = await failureOf(broken);
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.message).toContain("full.concurrency");
  expect(error.message).toContain("target.address");
});

test("a failure that a verb has thrown is no unhandled rejection of the run", async () => {
  await using s = await scenario();
  const run = migrate({ config: config(s, { sync_mode: "all", "filter.collection.white": "nowhere" }) });
  expect((await failureOf(run.switchover())).code).toBe("TABLE_MISSING");
  // Whoever would complain of the promise that nobody awaits has done so by then.
  await new Promise((resolve) => setTimeout(resolve, 50));
});
