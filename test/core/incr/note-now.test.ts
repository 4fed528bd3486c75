/** Noting at once how far a shard at rest is applied. */
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";
import { noteNow } from "../../../core/incr/note-now.ts";
import { openStreams } from "../../../core/run/streams.ts";
import { eventually } from "../../e2e/eventually.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { changed, fakeStreams, opened, streamContext, TABLE } from "../../fakes/streams.ts";

test("a table at rest is noted up to now, whatever was noted of it just before; one that isn't followed isn't", async () => {
  const checkpoint = memoryCheckpoint();
  const streams = fakeStreams([{ id: "s" }], { s: [{ records: [changed("a", 1)] }] });
  await using ctx = await streamContext({ streams, checkpoint });
  const run = await openCheckpoint(ctx, [TABLE], false);
  await run.begin([]);
  const follower = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
  await follower.opened(TABLE);
  expect(await follower.note(TABLE.name)).toBe(false);
  follower.start(TABLE);
  const notedAt = (): number =>
    (checkpoint.states.get(`stream:${TABLE.name}`)!.get("shard:s") as { notedAt: number }).notedAt;
  const shard = () => ctx.progress.tables.get(TABLE.name)!.stream?.shards.get("s");
  try {
    await eventually(() => expect(shard()?.settledAt).toBeDefined());
    for (let round = 0; round < 3; round++) {
      const at = Date.now();
      await eventually(async () => {
        expect(await follower.note(TABLE.name)).toBe(true);
        expect(notedAt()).toBeGreaterThanOrEqual(at);
      });
      expect(Date.now() - at).toBeLessThan(5000);
    }
    expect(await follower.note("another")).toBe(false);
  } finally {
    ctx.stop(new Error("enough"));
    await follower.stopped().catch(() => {});
  }
});

test("what hasn't moved, isn't at its tip, or is over, isn't noted again", async () => {
  const checkpoint = memoryCheckpoint();
  const streams = fakeStreams([{ id: "still" }, { id: "behind" }, { id: "over" }]);
  await using ctx = await streamContext({ streams, checkpoint });
  const stream = await opened(ctx);
  const at = Date.now() + 1000;
  for (const [id, settledAt] of [
    ["still", at],
    ["behind", undefined],
    ["over", at],
  ] as const)
    stream.progress.shards.set(id, { id, settledAt });
  stream.checkpoint.note({ ...stream.checkpoint.shards.get("over")!, status: "done" });
  await stream.checkpoint.flush();
  const before = new Map(stream.checkpoint.shards);
  await noteNow(stream);
  expect(stream.checkpoint.shards.get("still")).toEqual({ ...before.get("still")!, notedAt: at });
  expect(stream.checkpoint.shards.get("behind")).toEqual(before.get("behind")!);
  expect(stream.checkpoint.shards.get("over")).toEqual(before.get("over")!);
  // As it would be by the time that a row is written at.
  const saved = JSON.stringify([...checkpoint.states.get(`shards:${TABLE.name}`)!]);
  await sleep(5);
  await noteNow(stream);
  expect(JSON.stringify([...checkpoint.states.get(`shards:${TABLE.name}`)!])).toBe(saved);
});
