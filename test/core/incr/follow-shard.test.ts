/** One shard's following, and how it ends. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError, streamGap } from "../../../core/errors.ts";
import { followShard, openReader } from "../../../core/incr/follow-shard.ts";
import { forgetStream } from "../../../core/checkpoint/stream-parts.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { type Answer, changed, fakeStreams, opened, streamContext, TABLE } from "../../fakes/streams.ts";

describe("a shard that can't be followed any more", () => {
  const broken = new MigrationError("SOURCE_FAILED", "broken");
  test.each<[string, Answer, Error]>([
    ["a gap", streamGap("records are gone"), streamGap("records are gone")],
    ["a failing source", broken, broken],
    ["records that can't be converted", { records: [changed("bad", 3)] }, new Error("unfit")],
  ])(
    "%s: what is on its way is at the target, and noted, before anybody hears of it",
    async (_, last, error) => {
      const streams = fakeStreams([{ id: "s" }]);
      const applied: (string | undefined)[] = [];
      await using ctx = await streamContext({
        streams,
        async apply({ records }) {
          await sleep(30);
          applied.push(...records.map(({ sequenceNumber }) => sequenceNumber));
        },
      });
      ctx.hook("convert:before", ({ records }) => {
        if (records.some(({ keys }) => keys["pk"]?.S === "bad"))
          throw new MigrationError("DATA_UNFIT", "unfit");
      });
      const stream = await opened(ctx);
      streams.answers.set("s", [{ records: [changed("a", 1)] }, { records: [changed("b", 2)] }, last]);
      const note = stream.checkpoint.shards.get("s")!;
      const failure = await followShard(stream, note, openReader(stream, note)).catch((thrown) => thrown);
      expect((failure as Error).message).toContain(error.message);
      expect(applied).toEqual(["1", "2"]);
      expect(stream.checkpoint.shards.get("s")!.position).toEqual({
        at: "sequence",
        number: "2",
        inclusive: false,
      });
    },
  );
});

test("what a stream's checkpoint was told, and hears late, isn't saved any more once it is retired", async () => {
  const checkpoint = memoryCheckpoint();
  await using ctx = await streamContext({ streams: fakeStreams([{ id: "s" }]), checkpoint });
  const stream = await opened(ctx);
  const note = stream.checkpoint.shards.get("s")!;
  const position = { at: "sequence", number: "7", inclusive: false } as const;
  stream.checkpoint.note({ ...note, position });
  await stream.checkpoint.retire();
  await forgetStream(ctx, TABLE);
  stream.checkpoint.note({ ...note, position });
  stream.checkpoint.noteSpooled("s", "7");
  await stream.checkpoint.flush();
  expect([...checkpoint.states.keys()]).toEqual([]);
});

test("a stream that can't be opened leaves nothing that is saved later", async () => {
  const checkpoint = memoryCheckpoint();
  const streams = fakeStreams([{ id: "s" }, { id: "u" }], { s: [streamGap("records are gone")] });
  await using ctx = await streamContext({ streams, checkpoint });
  const failure = await opened(ctx).catch((error: Error) => error);
  expect(failure).toMatchObject({ code: "STREAM_GAP" });
  await forgetStream(ctx, TABLE);
  await sleep(700);
  expect([...checkpoint.states.keys()]).toEqual([]);
});
