/** A pause: nothing more is read, and what was read is written and saved. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Closing } from "../../../core/flow/gate.ts";
import { followShard, openReader } from "../../../core/incr/follow-shard.ts";
import { createRunControl } from "../../../core/run/steering.ts";
import type { Page } from "../../../core/types.ts";
import { eventually } from "../../e2e/eventually.ts";
import { copied, sorted, TABLE } from "../../fakes/copying.ts";
import { memoryCheckpoint, memorySource, memoryTarget, numbered, page } from "../../fakes/context.ts";
import { changed, fakeStreams, opened, streamContext } from "../../fakes/streams.ts";

const PAGES = 40;

/** A segment of pages of ten items, which notes how many were asked for. */
function slowly() {
  const asked = { pages: 0 };
  const source = memorySource([
    async function* (_, { beforeRequest }): AsyncGenerator<Page> {
      for (let n = 0; n < PAGES; n++) {
        await beforeRequest({});
        asked.pages++;
        await sleep(5);
        const position = n === PAGES - 1 ? undefined : { pk: { S: String(n) } };
        yield { ...page(numbered(TABLE, n * 10, 10)), position };
      }
    },
  ]);
  return { asked, source };
}

describe("a table's copy that is paused", () => {
  test("has written and saved what it has read, though its batch isn't full, and goes on", async () => {
    const { asked, source } = slowly();
    const target = memoryTarget(() => sleep(10));
    // Fuller than all of the table.
    const { ctx, surplus, counters } = await copied(source, target, { "full.document.write.batch": "1000" });
    await eventually(() => expect(asked.pages).toBeGreaterThan(1));
    const { atRest, open } = ctx.gate.close();
    await atRest;
    const { pages } = asked;
    expect([counters.read, target.batches.flat().length]).toEqual([pages * 10, pages * 10]);
    const saved = await ctx.role("checkpoint").load(`table:${TABLE.name}`);
    expect(saved.get("0")).toMatchObject({ read: pages * 10 });
    expect(ctx.memory.used).toBe(0);
    await sleep(100);
    expect([asked.pages, target.batches.flat().length]).toEqual([pages, pages * 10]);
    open();
    expect(await surplus).toBe(0);
    expect(sorted(target)).toEqual(Array.from({ length: PAGES * 10 }, (_, i) => i));
  });

  test("has saved the end of a segment, too, that ends when the pause begins", async () => {
    const { source } = slowly();
    const closing = Promise.withResolvers<Closing>();
    let written = 0;
    const target = memoryTarget(async ({ records }) => {
      written += records.length;
      if (written === PAGES * 10) closing.resolve(ctx.gate.close());
    });
    const { ctx, surplus } = await copied(source, target);
    const { atRest, open } = await closing.promise;
    await atRest;
    const saved = await ctx.role("checkpoint").load(`table:${TABLE.name}`);
    expect(saved.get("0")).toMatchObject({ read: PAGES * 10 });
    open();
    expect(await surplus).toBe(0);
  });

  test("ends at once when the run stops", async () => {
    const { source } = slowly();
    const { ctx, surplus } = await copied(source, memoryTarget());
    surplus.catch(() => {});
    await ctx.gate.close().atRest;
    const began = performance.now();
    ctx.stop(new Error("stopped"));
    await expect(surplus).rejects.toThrow("stopped");
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

test("a shard that is paused has applied and saved what it has read, is asked no more, and goes on", async () => {
  const checkpoint = memoryCheckpoint();
  const streams = fakeStreams([{ id: "s" }]);
  const applied: string[] = [];
  await using ctx = await streamContext({
    streams,
    checkpoint,
    async apply({ records }) {
      await sleep(300);
      applied.push(...records.map(({ sequenceNumber }) => sequenceNumber!));
    },
  });
  const stream = await opened(ctx);
  let polls = 0;
  const note = stream.checkpoint.shards.get("s")!;
  const reader = openReader(stream, note);
  const counted = { poll: (options: Parameters<typeof reader.poll>[0]) => (polls++, reader.poll(options)) };
  streams.answers.set("s", [{ records: [changed("a", 1)] }, { records: [changed("b", 2)] }]);
  const following = followShard(stream, note, counted);
  await sleep(100);
  const { atRest, open } = ctx.gate.close();
  await atRest;
  expect(applied).toEqual(["1", "2"]);
  expect(checkpoint.states.get(`shards:${stream.table.name}`)!.get("s")).toMatchObject({
    SequenceNumber: "2",
  });
  const before = polls;
  await sleep(400);
  expect(polls).toBe(before);
  streams.answers.set("s", [{ records: [changed("c", 3)] }]);
  open();
  while (applied.length < 3) await sleep(10);
  const again = ctx.gate.close();
  await again.atRest;
  const began = performance.now();
  ctx.stop(new Error("stopped"));
  expect(await following).toBe(false);
  expect(performance.now() - began).toBeLessThan(1000);
});

test("a shard that waits to be asked again is at rest before that", async () => {
  await using ctx = await streamContext({ streams: fakeStreams([{ id: "s" }]) });
  const stream = await opened(ctx);
  const note = stream.checkpoint.shards.get("s")!;
  const reader = openReader(stream, note);
  const following = followShard(stream, note, reader);
  const shard = stream.progress.shards.get("s")!;
  while (shard.wait !== 200) await sleep(5);
  let isAtRest = false;
  void ctx.gate.close().atRest.then(() => (isAtRest = true));
  // In turns, and not after a time.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isAtRest).toBe(true);
  ctx.stop(new Error("stopped"));
  expect(await following).toBe(false);
});

describe("what steers a run", () => {
  test("before it has begun: a pause counts from the beginning, settings are refused", async () => {
    const control = createRunControl();
    await control.pause();
    expect([control.paused, control.gate.isClosed]).toEqual([true, true]);
    expect(() => control.set({ "qps.full": "1" })).toThrow(expect.objectContaining({ code: "NOT_RUNNING" }));
    await using ctx = await streamContext({ streams: fakeStreams() });
    control.begin({ ctx, config: ctx.config });
    expect(ctx.progress.paused).toBe(true);
    control.resume();
    control.resume();
    expect([ctx.progress.paused, control.gate.isClosed]).toEqual([false, false]);
  });

  test("when it is stopped: what waits has ended by that", async () => {
    const control = createRunControl();
    await using ctx = await streamContext({ streams: fakeStreams(), settings: { sync_mode: "all" } });
    control.begin({ ctx, config: ctx.config });
    const leave = control.gate.inside();
    const pausing = control.pause().catch((error: unknown) => error);
    const stopped = new Error("SIGTERM stopped the run");
    ctx.stop(stopped);
    leave();
    expect(await pausing).toBe(stopped);
    expect(control.hasEndedBy(stopped)).toBe(true);
  });

  test("when it is over: all is refused, and a switch-over that waits hears of the failure", async () => {
    const control = createRunControl();
    const switching = control.switchover({ timeout: 60_000 });
    control.end(new Error("no such address"));
    const failure = await switching.catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: "no such address" });
    expect([control.hasEndedBy(failure), control.hasEndedBy(new Error("another"))]).toEqual([true, false]);
    for (const verb of [control.pause(), control.switchover({ timeout: 1 })]) {
      await expect(verb).rejects.toMatchObject({ code: "NOT_RUNNING" });
    }
    expect(control.paused).toBe(false);
  });
});
