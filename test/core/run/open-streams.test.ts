/** The streams' opening, over a scripted source. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";
import { migrate } from "../../../core/library.ts";
import { readyTables } from "../../../core/run/ready-tables.ts";
import { checkStreams } from "../../../core/run/stream-looks.ts";
import { openStreams } from "../../../core/run/streams.ts";
import { memoryTarget } from "../../fakes/memory-target.ts";
import { fakeStreams, streamContext, TABLE } from "../../fakes/streams.ts";
import type { Call } from "../../stand-in/dynamodb.ts";
import { startStreams, type Streams } from "../../stand-in/streams.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** Everything from the scripted source, with what a run keeps in a folder of its own. */
const configOf = ({ source }: Streams, folder: string) =>
  ({
    sync_mode: "all",
    "source.endpoint_url": source.endpoint,
    "target.type": "plugin",
    "checkpoint.type": "file",
    "checkpoint.address": join(folder, "checkpoint"),
    "increase.persist.dir": join(folder, "spool"),
  }) as const;

test.concurrent("a table is copied as soon as its own stream is opened, and not before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-streams-"));
  const isScan = (call: Call, table: string): boolean =>
    call.operation === "Scan" && call.body["TableName"] === table;
  await using streams: Streams = await startStreams({
    tables: ["a", "b"],
    // The other one's can't be opened before.
    misbehave: ({ operation, text }) =>
      operation === "GetShardIterator" &&
      text.includes("/b/") &&
      !streams.source.calls.some((call) => isScan(call, "a"))
        ? { error: "InternalServerError", status: 500 }
        : undefined,
  });
  const { calls } = streams.source;
  const enough = new AbortController();
  const run = migrate({
    config: { ...configOf(streams, folder), "source.session.max_retries": "0" },
    plugins: [memoryTarget(new Map())],
    signal: enough.signal,
  });
  while (!calls.some((call) => isScan(call, "b"))) await Promise.race([sleep(5), run]);
  const before = calls.slice(
    0,
    calls.findIndex((call) => isScan(call, "b")),
  );
  enough.abort(new Error("enough"));
  // It may have come so far that a stop is its end.
  await run.catch((error: Error) => expect(error.message).toContain("stopped the run"));
  rmSync(folder, { recursive: true, force: true });
  // All open shards of b were read once before it was.
  const positions = before.filter(
    ({ operation, text }) => operation === "GetRecords" && text.includes('[\\"b\\"'),
  );
  expect(positions.length).toBeGreaterThanOrEqual(streams.open("b").length);
});

test.concurrent.each([
  ["denied", { error: "AccessDeniedException" }, "SOURCE_DENIED"],
  ["disabled", { result: { StreamDescription: { StreamStatus: "DISABLED", Shards: [] } } }, "STREAM_UNFIT"],
] as const)("one stream of many that is %s: nothing is made at the target", async (_, misbehaviour, code) => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-streams-"));
  const tables = Array.from({ length: 40 }, (_, n) => `table-${n}`);
  await using streams = await startStreams({
    tables,
    misbehave: ({ operation, text }) =>
      operation === "DescribeStream" && text.includes("/table-39/") ? misbehaviour : undefined,
  });
  const collections = new Map();
  const run = migrate({
    config: configOf(streams, folder),
    plugins: [memoryTarget(collections)],
  });
  await expect(run).rejects.toMatchObject({ code });
  expect([...collections.keys()]).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

test.concurrent.each([
  ["isn't listed again", "stream", 1],
  ["is listed again when it is another one by then", "another", 2],
])("a stream that was looked at %s to take its positions", async (_, then, listings) => {
  const fake = fakeStreams([{ id: "s" }]);
  await using ctx = await streamContext({ streams: fake });
  const looks = await checkStreams(ctx, [TABLE], [TABLE]);
  const { seen } = looks;
  expect(fake.listings).toBe(1);
  fake.open = async () => then;
  const run = await openCheckpoint(ctx, [TABLE], false);
  const ready = readyTables(ctx, run, { looks, late: [], beginning: { fresh: false } });
  const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1), ready);
  await following.opened(TABLE);
  expect([fake.listings, fake.opened, seen.size]).toEqual([
    listings,
    [{ shard: "s", from: { at: "latest" } }],
    0,
  ]);
  ctx.stop(new Error("enough"));
  await following.stopped();
});

test.concurrent("only streams of tables that are to be begun are looked at", async () => {
  const fake = fakeStreams([{ id: "s" }]);
  const opened: string[] = [];
  fake.open = async ({ name }) => {
    opened.push(name);
    return "stream";
  };
  await using ctx = await streamContext({ streams: fake });
  const begun = { ...TABLE, name: "begun" };
  const { seen } = await checkStreams(ctx, [begun, TABLE], [TABLE]);
  expect([[...seen.keys()], opened, fake.listings]).toEqual([[TABLE.name], ["begun", TABLE.name], 1]);
  expect((await checkStreams(ctx, [begun], [])).seen.size).toBe(0);
  expect(opened).toHaveLength(2);
});

test.concurrent("a table doesn't go before another one because its stream is opened sooner", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-streams-"));
  await using streams: Streams = await startStreams({
    tables: ["a", "b"],
    // The first one's can't be opened before the other's positions are taken.
    misbehave: ({ operation, text }) =>
      operation === "GetShardIterator" &&
      text.includes("/a/") &&
      streams.source.calls.filter((call) => call.operation === "GetRecords").length < 2
        ? { error: "InternalServerError", status: 500 }
        : undefined,
  });
  const { calls } = streams.source;
  const scanned = (): unknown[] =>
    calls.filter(({ operation }) => operation === "Scan").map(({ body }) => body["TableName"]);
  const enough = new AbortController();
  const run = migrate({
    config: { ...configOf(streams, folder), "full.concurrency": "1", "source.session.max_retries": "0" },
    plugins: [memoryTarget(new Map())],
    signal: enough.signal,
  });
  while (!scanned().includes("b")) await Promise.race([sleep(5), run]);
  enough.abort(new Error("enough"));
  // It may have come so far that a stop is its end.
  await run.catch((error: Error) => expect(error.message).toContain("stopped the run"));
  rmSync(folder, { recursive: true, force: true });
  expect(scanned()[0]).toBe("a");
});

test.concurrent("nothing runs on once one of several streams couldn't be opened", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-streams-"));
  await using streams = await startStreams({
    tables: ["a", "b"],
    misbehave: ({ operation, body }) =>
      operation === "GetShardIterator" && String(body["StreamArn"]).includes("/b/")
        ? { error: "AccessDeniedException" }
        : undefined,
  });
  const run = migrate({
    config: configOf(streams, folder),
    plugins: [memoryTarget(new Map())],
  });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_DENIED" });
  const { calls } = streams.source;
  const before = calls.length;
  // a quiet shard is looked at every three seconds
  await sleep(3500);
  expect(calls.slice(before).map(({ operation }) => operation)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});
