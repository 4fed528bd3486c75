/** Rows of shards whose save is cut off: what is read of them later is read in its order all the same. */
import { expect, test } from "bun:test";
import { parentsFirst } from "../../../core/checkpoint/parents-first.ts";
import { followTable } from "../../../core/incr/follow-table.ts";
import { noteShards } from "../../../core/incr/table-stream.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import { changed, fakeStreams, noted, opened, streamContext } from "../../fakes/streams.ts";

const horizon = { at: "horizon" } as const;
const waiting = (id: string, parent?: string): ShardNote => ({
  id,
  ...(parent !== undefined && { parent }),
  status: "waiting",
  position: horizon,
});
const parts = (notes: ShardNote[], saved: string[] = []): string[][] =>
  [...parentsFirst(new Map(notes.map((note) => [note.id, note])), (id) => saved.includes(id))].map((part) =>
    part.map(({ id }) => id),
  );

test("a save of two generations that is cut off, whichever rows it has saved: each shard is read after its parent", async () => {
  const shards = [{ id: "p" }, { id: "c", parent: "p", last: "8" }, { id: "g", parent: "c" }];
  for (const lost of [["c"], ["g"], ["c", "g"]]) {
    const streams = fakeStreams(shards, {
      p: [{ records: [changed("k", 1)], ended: true }],
      c: [{ records: [changed("k", 7)], ended: true }],
      g: [{ records: [changed("k", 9)] }],
    });
    const now = Date.now();
    const running: ShardNote = { ...waiting("p"), status: "running", position: { at: "latest" }, time: now };
    const checkpoint = noted([running], { p: now });
    const { save } = checkpoint;
    checkpoint.save = async (name, given) => {
      const cut = name === "shards:t" && lost.some((id) => given.has(id));
      const there = new Map([...given].filter(([id]) => !cut || !lost.includes(id)));
      if (there.size > 0) await save.call(checkpoint, name, there);
      if (cut) throw new Error("cut off");
    };
    {
      await using ctx = await streamContext({ streams, checkpoint });
      const stream = await opened(ctx);
      noteShards(stream, shards);
      await expect(stream.checkpoint.flush()).rejects.toThrow("cut off");
    }
    checkpoint.save = save;
    const numbers: string[] = [];
    await using ctx = await streamContext({
      streams,
      checkpoint,
      async apply({ records }) {
        numbers.push(...records.map(({ sequenceNumber }) => sequenceNumber!));
        if (numbers.length === 3) ctx.stop(new Error("enough"));
      },
    });
    setTimeout(() => ctx.stop(new Error("too late")), 2000);
    await followTable(await opened(ctx));
    expect(numbers).toEqual(["1", "7", "9"]);
  }
});

test("there is one part where no shard is new beside its new parent, or that one is over", () => {
  expect(parts([waiting("a"), waiting("b", "x")])).toEqual([["a", "b"]]);
  expect(parts([waiting("c", "p"), waiting("p")], ["p"])).toEqual([["c", "p"]]);
  expect(parts([waiting("c", "p"), waiting("p")], ["c"])).toEqual([["c", "p"]]);
  expect(parts([waiting("c", "p"), { ...waiting("p"), status: "skipped" }])).toEqual([["c", "p"]]);
  expect(parts([waiting("g", "c"), waiting("c", "p"), waiting("p")])).toEqual([["p"], ["c"], ["g"]]);
  expect(parts([waiting("a", "b"), waiting("b", "a"), waiting("c")])).toEqual([["c"], ["a", "b"]]);
});
