/** What a shard's reader tells of its tip. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { loadConfig } from "../../../../core/config/load.ts";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import dynamodbStreams from "../../../../plugins/source/dynamodb-streams.ts";
import type { ShardReader } from "../../../../core/plugin/roles.ts";
import { testTable } from "../../../fakes/context.ts";
import { startStreams } from "../../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const table = testTable("pk");

/** A context in which the table's stream is open. */
async function opened(endpoint: string, more: Record<string, string> = {}): Promise<OwnedContext> {
  const set = {
    "target.address": "mongodb://127.0.0.1:1",
    "source.endpoint_url": endpoint,
    sync_mode: "all",
    ...more,
  };
  const ctx = createContext({ config: loadConfig({ set }).config });
  await ctx.use(dynamodbStreams);
  await ctx.role("streams").open(table, ctx.signal);
  return ctx;
}

test("an answer with as many records as a hook has asked for isn't the tip", async () => {
  await using streams = await startStreams({ tables: ["t"] });
  const [shard] = streams.open("t");
  await using ctx = await opened(streams.source.endpoint);
  const reader = ctx.role("streams").read({ phase: "incr", table, shard: shard! }, { at: "horizon" });
  for (let n = 0; n < 60; n++) streams.put("t", { pk: { S: `k${n}` } });
  const beforeRequest = async (request: object): Promise<void> => void Object.assign(request, { Limit: 10 });
  const pages: [number, boolean][] = [];
  do {
    const { records, tip } = await reader.poll({ beforeRequest, signal: ctx.signal });
    pages.push([records.length, tip]);
  } while (!pages.at(-1)![1]);
  expect(pages.slice(0, 2)).toEqual([
    [10, false],
    [10, false],
  ]);
  expect(pages.at(-1)![0]).toBeLessThan(10);
});

test("records from before the time that counts are left out, also by a new iterator, and tell nothing of the tip", async () => {
  await using streams = await startStreams({ tables: ["t"] });
  await using ctx = await opened(streams.source.endpoint);
  for (const n of ["1", "2", "3"]) streams.put("t", { pk: { S: "a" }, n: { N: n } });
  const shard = streams.open("t").find((id) => streams.records("t", id) > 0);
  await Bun.sleep(2100);
  const since = Date.now() - 1000;
  const unit = { phase: "incr", table, shard: shard! } as const;
  const options = { beforeRequest: async () => {}, signal: ctx.signal };
  /** Reads up to the tip: what comes, and how many are left out; an answer has fewer than there are now and then. */
  async function read(reader: ShardReader): Promise<[string[], number]> {
    const came: string[] = [];
    let skipped = 0;
    for (let tips = 0; tips < 3;) {
      const page = await reader.poll(options);
      came.push(...page.records.map(({ keys }) => keys["pk"]!.S!));
      skipped += page.skipped ?? 0;
      if (page.skipped) expect(page.tip).toBe(false);
      tips = page.tip && page.records.length === 0 ? tips + 1 : 0;
    }
    return [came, skipped];
  }
  const reader = ctx.role("streams").read(unit, { at: "horizon", since });
  expect(await read(reader)).toEqual([[], 3]);

  const quiet = ctx.role("streams").read(unit, { at: "latest", since });
  expect(await read(quiet)).toEqual([[], 0]);
  streams.expire();
  streams.put("t", { pk: { S: "a" } });
  expect(await read(quiet)).toEqual([["a"], 3]);
  expect(await read(reader)).toEqual([["a"], 0]);
});

test("an answer that comes too late is asked for again with fewer records, and full it isn't the tip", async () => {
  await using streams = await startStreams({
    tables: ["t"],
    misbehave: ({ operation, number, body }) =>
      operation === "GetRecords" && number > 1 && Number(body["Limit"]) > 128
        ? { delayMs: 60_000 }
        : undefined,
  });
  const [shard] = streams.open("t");
  await using ctx = await opened(streams.source.endpoint, { "source.session.timeout": "1000" });
  const reader = ctx.role("streams").read({ phase: "incr", table, shard: shard! }, { at: "horizon" });
  const options = { beforeRequest: async () => {}, signal: ctx.signal };
  await reader.poll(options);
  for (let n = 0; n < 400; n++) streams.put("t", { pk: { S: `k${n}` } });
  const { records, tip } = await reader.poll(options);
  expect([records.length, tip]).toEqual([128, false]);
  const asked = streams.source.calls.filter(({ operation }) => operation === "GetRecords");
  expect(asked.map(({ body }) => body["Limit"])).toEqual([1000, 1000, 128]);
});

test.each([
  ["as many as the service gives where nothing is said", {}, 1000],
  ["as many as are set", { "qps.incr.batch_num": "7" }, 7],
])("GetRecords asks for %s", async (_, settings, limit) => {
  await using streams = await startStreams({ tables: ["t"] });
  const [shard] = streams.open("t");
  await using ctx = await opened(streams.source.endpoint, settings as Record<string, string>);
  const reader = ctx.role("streams").read({ phase: "incr", table, shard: shard! }, { at: "horizon" });
  await reader.poll({ beforeRequest: async () => {}, signal: ctx.signal });
  const asked = streams.source.calls.filter(({ operation }) => operation === "GetRecords");
  expect(asked.map(({ body }) => body["Limit"])).toEqual([limit]);
});
