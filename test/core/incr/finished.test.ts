/** Rows of shards that are over: when they may go. */
import { describe, expect, setSystemTime, test } from "bun:test";
import { watchFinished } from "../../../core/incr/finished.ts";
import { decodeRow } from "../../../core/checkpoint/nimoshake-rows.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import { createShardTree } from "../../../core/incr/shard-tree.ts";
import { forgetStream } from "../../../core/checkpoint/stream-parts.ts";
import type { Shard } from "../../../core/types.ts";
import { fakeStreams, noted, opened, streamContext, TABLE } from "../../fakes/streams.ts";

const horizon = { at: "horizon" } as const;
const chain: ShardNote[] = [
  { id: "a", status: "skipped", position: horizon },
  { id: "b", parent: "a", status: "done", position: horizon },
  { id: "c", parent: "b", status: "done", position: horizon },
  { id: "d", parent: "c", status: "running", position: { at: "sequence", number: "7", inclusive: false } },
];

describe("a shard that is over", () => {
  const notes = (states: ShardNote[]) =>
    new Map(states.map((state): [string, ShardNote] => [state.id, state]));
  const listings = (count: number, listed: string[], states = chain): string[][] => {
    const over = watchFinished(notes(states));
    return Array.from({ length: count }, () => over(listed.map((id): Shard => ({ id }))));
  };

  test("is gone when it is missing in three listings, and its children are noted", () => {
    expect(listings(3, ["d"])).toEqual([[], [], ["a", "b", "c"]]);
    expect(listings(3, ["c", "d"])[2]).toEqual(["a", "b"]);
  });

  test("stays while it is listed, or has no children, or isn't over", () => {
    expect(listings(4, ["a", "b", "c", "d"])[3]).toEqual([]);
    expect(listings(4, [], chain.slice(0, 1))[3]).toEqual([]);
    expect(listings(3, [], chain.slice(2))[2]).toEqual(["c"]);
  });

  test("stays while an older one stays", () => {
    expect(listings(4, ["a", "d"])[3]).toEqual([]);
  });

  test("that was missing by mistake isn't gone", () => {
    const over = watchFinished(notes(chain));
    const all = chain.map(({ id }): Shard => ({ id }));
    for (const listed of [[], [], all, [], [], all]) expect(over(listed)).toEqual([]);
  });
});

test("what is forgotten leaves rows from which either tool goes on, and isn't a new shard when it turns up again", async () => {
  const checkpoint = noted(chain, { a: 1, b: 1, c: 1, d: Date.now() });
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  const stream = await opened(ctx, "noted");
  await stream.checkpoint.forget(["a", "b", "c"]);
  const rows = [...checkpoint.states.get("shards:t")!.values()].map(decodeRow);
  // NimoShake looks for the row of the father that is named.
  expect(rows).toMatchObject([{ id: "d", status: "running", position: chain[3]!.position }]);
  expect(rows[0]).not.toHaveProperty("parent");
  expect([...checkpoint.states.get("stream:t")!.keys()].toSorted()).toEqual(["gone", "shard:d", "stream"]);
  const next = await opened(ctx, "noted");
  const turnedUp: Shard[] = chain.map(({ id, parent }) => ({ id, ...(parent !== undefined && { parent }) }));
  expect(next.tree.list(turnedUp)).toEqual({ found: [], orphans: [] });
  expect(createShardTree(next.checkpoint.shards.values()).list(turnedUp).found).not.toEqual([]);
  await forgetStream(ctx, TABLE);
});

test("a day later nothing of it is kept, nor while the process lives on, unless a shard still names it", async () => {
  const checkpoint = noted(chain.slice(3), { d: Date.now() });
  checkpoint.states.get("stream:t")!.set("gone", { old: Date.now() - 26 * 3_600_000, recent: Date.now() });
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  const kept = (await opened(ctx, "noted")).checkpoint;
  expect([...kept.gone]).toEqual(["recent"]);
  for (const id of ["e", "f"]) kept.note({ ...chain[3]!, id, parent: "d" });
  await kept.forget(["d"]);
  setSystemTime(Date.now() + 26 * 3_600_000);
  try {
    await kept.forget(["e"]);
    expect([...kept.gone].sort()).toEqual(["d", "e"]);
    await kept.forget(["f"]);
    expect([...kept.gone].sort()).toEqual(["d", "e", "f"]);
    await kept.forget(["none"]);
  } finally {
    setSystemTime();
  }
  expect([...kept.gone].sort()).toEqual(["e", "f", "none"]);
  expect(checkpoint.states.get("stream:t")!.get("gone")).not.toHaveProperty("d");
});
