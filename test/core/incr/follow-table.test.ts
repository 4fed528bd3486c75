/** When all shards of a table are at their tips, and when there is a gap. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { followTable } from "../../../core/incr/follow-table.ts";
import { noteShards, type TableStream } from "../../../core/incr/table-stream.ts";
import { switchable } from "../../../core/progress/stream-progress.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import type { Start } from "../../../core/incr/stream-start.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import {
  changed,
  fakeStreams,
  noted,
  opened,
  streamContext,
  type StreamContextOptions,
  TABLE,
} from "../../fakes/streams.ts";

/** Follows until the work is done; gives what ended it before. */
async function following(
  options: StreamContextOptions & { start?: Start },
  work: (stream: TableStream, good: () => boolean) => Promise<void>,
): Promise<{ code?: string } | undefined> {
  await using ctx = await streamContext(options);
  const { start = options.checkpoint === undefined ? "now" : "noted" } = options;
  const stream = await opened(ctx, start);
  const counters = ctx.progress.tables.get(TABLE.name)!;
  counters.stream = stream.progress;
  const done = followTable(stream).catch(() => {});
  await work(stream, () => switchable(ctx.progress, Date.now()).good);
  const failure = ctx.signal.reason as { code?: string } | undefined;
  ctx.stop(new Error("enough"));
  await done;
  return failure;
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !holds(); n++) await sleep(10);
  expect(holds()).toBe(true);
}

describe("now is a good moment to switch over", () => {
  test.concurrent("not while a shard is listed whose parent isn't, until it turns up and is followed", async () => {
    const streams = fakeStreams([{ id: "a" }]);
    await following({ streams }, async (stream, good) => {
      await until(good);
      noteShards(stream, [{ id: "a" }, { id: "c", parent: "b" }]);
      expect([good(), [...stream.progress.waiting]]).toEqual([false, ["c"]]);
      streams.answers.set("b", [{ ended: true }]);
      streams.listed = [{ id: "a" }, { id: "b", parent: "a0" }, { id: "c", parent: "b" }];
      stream.found!([{ id: "a" }, { id: "b" }, { id: "c", parent: "b" }]);
      await until(() => stream.progress.shards.has("c") && good());
      expect([...stream.progress.waiting]).toEqual([]);
    });
  });

  test.concurrent("not before the children of a shard that has ended are followed, up to the second one", async () => {
    const streams = fakeStreams([{ id: "a" }, { id: "b" }]);
    await following({ streams }, async (stream, good) => {
      await until(good);
      streams.answers.set("a", [{ ended: true }]);
      await until(() => !stream.progress.shards.has("a"));
      expect(good()).toBe(false);
      await sleep(150);
      expect(good()).toBe(false);
      // The first child has nothing; the second one is listed late, and has all.
      streams.answers.set("d", [{ records: [changed("k", 7)] }]);
      streams.listed = [{ id: "a", last: "5" }, { id: "b" }, { id: "c", parent: "a" }];
      await until(() => stream.progress.shards.has("c"));
      streams.listed = [...streams.listed, { id: "d", parent: "a" }];
      let applied: number | undefined;
      await until(() => (applied ??= good() ? stream.progress.written : undefined) !== undefined);
      expect(applied).toBe(1);
    });
  });

  test.concurrent("not while a child waits for its parent, which gives nothing for a while, as the service may", async () => {
    const rows: ShardNote[] = [
      { id: "p", status: "running", position: { at: "horizon" } },
      { id: "c", parent: "p", status: "waiting", position: { at: "horizon" } },
    ];
    const checkpoint = noted(rows, { p: Date.now(), c: Date.now() });
    const streams = fakeStreams([
      { id: "p", last: "9" },
      { id: "c", parent: "p" },
    ]);
    await following({ streams, checkpoint }, async (stream, good) => {
      await until(() => stream.progress.shards.get("p")?.settledAt !== undefined);
      expect(good()).toBe(false);
    });
  });
});

test.concurrent("a shard that the first listing has left out, between two others that had ended: nobody waits for it", async () => {
  const checkpoint = memoryCheckpoint();
  const [a, b, c, d] = [
    { id: "a", last: "3" },
    { id: "b", parent: "a", last: "5" },
    { id: "c", parent: "b", last: "7" },
    { id: "d", parent: "c" },
  ];
  const streams = fakeStreams([a!, c!, d!]);
  const options = { streams, checkpoint, patience: 800 };
  await following({ ...options, start: "now" }, async (stream, good) => {
    expect([...stream.childless.keys()]).toEqual(["a"]);
    streams.listed = [a!, b!, c!, d!];
    await until(good);
  });
  await following(options, async (stream) => {
    expect([...stream.childless.keys()]).toEqual([]);
    expect(stream.checkpoint.shards.get("b")).toMatchObject({ parent: "a", status: "skipped" });
  });
});

test.concurrent("shards that all have ended, and a listing that fails: no gap until it is listed that none follows", async () => {
  const streams = fakeStreams([{ id: "a" }]);
  const failure = await following({ streams, patience: 400 }, async (stream) => {
    streams.answers.set("a", [{ ended: true }]);
    await until(() => !stream.progress.shards.has("a"));
    streams.failure = new Error("no answer");
    await sleep(800);
    expect(stream.ctx.signal.aborted).toBe(false);
    streams.failure = undefined;
    await until(() => stream.ctx.signal.aborted);
  });
  expect(failure?.code).toBe("STREAM_GAP");
});

test.concurrent("a shard that ends while a listing is waited for, and whose child is listed late: no gap", async () => {
  const running: ShardNote = {
    id: "a",
    status: "running",
    position: { at: "sequence", number: "4", inclusive: false },
  };
  const streams = fakeStreams([{ id: "a" }]);
  const { shards } = streams;
  const listing = Promise.withResolvers<void>();
  streams.shards = async (...args) => {
    // As behind those of many other tables.
    await listing.promise;
    return shards(...args);
  };
  const checkpoint = noted([running], { a: Date.now() });
  const failure = await following({ streams, checkpoint, patience: 2000 }, async (stream) => {
    await sleep(1100);
    streams.answers.set("a", [{ ended: true }]);
    await until(() => !stream.progress.shards.has("a"));
    listing.resolve();
    await until(() => streams.listings > 2);
    streams.listed = [{ id: "a" }, { id: "b", parent: "a" }];
    await until(() => stream.progress.shards.has("b"));
  });
  expect(failure).toBeUndefined();
});
