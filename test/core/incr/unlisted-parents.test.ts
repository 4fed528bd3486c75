/** A copy's stream read from its oldest records, over listings that leave out parents. */
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationError, streamGap } from "../../../core/errors.ts";
import { followTable } from "../../../core/incr/follow-table.ts";
import type { Shard } from "../../../core/types.ts";
import {
  type Answer,
  changed,
  type FakeStreams,
  fakeStreams,
  opened,
  streamContext,
} from "../../fakes/streams.ts";

const GONE = streamGap("the shard is gone before it was read");
const parent: Shard = { id: "p", parent: "g", first: "1", last: "9" };
const child: Shard = { id: "c", parent: "p", first: "10" };
const ended = (number: number): Answer => ({ records: [changed("k", number)], ended: true });

/** Streams whose listings are these, one after the other, the last one again and again. */
function listings(lists: Shard[][], answers: Record<string, Answer[]>): FakeStreams {
  const streams = fakeStreams(lists[0], answers);
  const { shards } = streams;
  streams.shards = async (...given) => {
    streams.listed = lists[Math.min(streams.listings, lists.length - 1)]!;
    return shards(...given);
  };
  return streams;
}

/** Follows from where a copy began until so many changes are applied; gives their numbers, and what is noted. */
async function applied(streams: FakeStreams, count: number, patience?: number): Promise<object> {
  const numbers: number[] = [];
  await using ctx = await streamContext({
    streams,
    ...(patience !== undefined && { patience }),
    async apply({ records }) {
      // Another shard could overtake it meanwhile.
      await sleep(20);
      numbers.push(...records.map(({ sequenceNumber }) => Number(sequenceNumber)));
      if (numbers.length >= count) ctx.stop(new Error("enough"));
    },
  });
  const stream = await opened(ctx, { at: Date.now() - 1000, stream: "stream" });
  const parents = Object.fromEntries([...stream.checkpoint.shards].map(([id, note]) => [id, note.parent]));
  await followTable(stream);
  return { numbers, parents };
}

test("a parent that the first listing has left out is read before its child", async () => {
  const streams = listings([[child], [child], [child, parent]], {
    g: [GONE],
    p: [{}, ended(2)],
    c: [{ records: [changed("k", 11)] }],
  });
  expect(await applied(streams, 2)).toEqual({
    numbers: [2, 11],
    parents: { c: "p", p: undefined },
  });
});

test("so is a parent's parent", async () => {
  const grandparent: Shard = { id: "g", first: "0", last: "0" };
  const streams = listings([[child], [child, parent], [child, parent, grandparent]], {
    g: [{}, ended(0)],
    p: [{}, ended(2)],
    c: [{ records: [changed("k", 11)] }],
  });
  expect(await applied(streams, 3)).toEqual({
    numbers: [0, 2, 11],
    parents: { c: "p", p: "g", g: undefined },
  });
});

test("a parent that is gone holds nothing up, and needs no other listing", async () => {
  const streams = listings([[child]], { p: [GONE], c: [{ records: [changed("k", 11)] }] });
  expect(await applied(streams, 1)).toEqual({ numbers: [11], parents: { c: undefined } });
  expect(streams.opened.map(({ shard }) => shard)).toEqual(["p", "c"]);
});

test("a parent that can be read and is listed never is read all the same, and before its child", async () => {
  const streams = listings([[child]], { p: [{}, ended(2)], c: [{ records: [changed("k", 11)] }] });
  expect(await applied(streams, 2, 400)).toEqual({
    numbers: [2, 11],
    parents: { c: "p", p: undefined },
  });
});

const REFUSALS: [string, Error][] = [
  ["SOURCE_FAILED", new MigrationError("SOURCE_FAILED", "Invalid ShardId", { hint: "none" })],
  ["an error of its own", new Error("which shard?")],
];

test.each(REFUSALS)(
  "a parent that is listed never and of which a server says %s holds nothing up for good",
  async (_, why) => {
    const streams = listings([[child]], { p: [why], c: [{ records: [changed("k", 11)] }] });
    expect(await applied(streams, 1, 400)).toEqual({ numbers: [11], parents: { c: undefined } });
  },
);

test.each(REFUSALS)(
  "one of which it says %s, and that is listed in the end, is read before its child",
  async (_, why) => {
    const streams = listings([[child], [child], [child, { ...parent, parent: undefined } as never]], {
      p: [why, {}, ended(2)],
      c: [{ records: [changed("k", 11)] }],
    });
    expect(await applied(streams, 2)).toEqual({ numbers: [2, 11], parents: { c: "p", p: undefined } });
  },
);

test.each(["SOURCE_DENIED", "SOURCE_UNREACHABLE"] as const)("%s ends the start", async (code) => {
  const streams = listings([[child]], { p: [new MigrationError(code, "no", { hint: "none" })] });
  await expect(applied(streams, 1, 400)).rejects.toMatchObject({ code });
});
