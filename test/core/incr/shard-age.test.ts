/** Shards found after a pause: how old what is in them may be. */
import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { followTable } from "../../../core/incr/follow-table.ts";
import { readLightly } from "../../../core/incr/light-reads.ts";
import { noteShards } from "../../../core/incr/table-stream.ts";
import { isAtTip } from "../../../core/incr/at-tip.ts";
import { appliedUntil, switchable } from "../../../core/progress/stream-progress.ts";
import { refreshStartPositions } from "../../../core/incr/kept-positions.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import type { Shard } from "../../../core/types.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { changed, type FakeStreams, fakeStreams, noted, opened, streamContext } from "../../fakes/streams.ts";

const HOUR = 3_600_000;
const ago = (hours: number): number => Date.now() - hours * HOUR;
const at = (number: string) => ({ at: "sequence", number, inclusive: false }) as const;

/** Follows for a moment; gives what ended it, if anything did, and the shards that were read. */
async function follow(
  streams: FakeStreams,
  checkpoint: ReturnType<typeof memoryCheckpoint>,
): Promise<{ code: string | undefined; read: string[] }> {
  await using ctx = await streamContext({ streams, checkpoint });
  const stream = await opened(ctx);
  const done = followTable(stream).catch(() => {});
  await sleep(80);
  const failure = ctx.signal.reason as { code: string } | undefined;
  ctx.stop(new Error("enough"));
  await done;
  return { code: failure?.code, read: streams.opened.map(({ shard }) => shard) };
}

describe("a child found after a pause is as old as the time at which its parent was known to be read", () => {
  const shards: Shard[] = [
    { id: "p", last: "9" },
    { id: "c", parent: "p" },
  ];
  const running: ShardNote = { id: "p", status: "running", position: at("5"), time: ago(30) };

  test("a parent that was read a day ago: a gap", async () => {
    const streams = fakeStreams(shards, { p: [{ ended: true }] });
    expect(await follow(streams, noted([running], { p: ago(25) }))).toMatchObject({ code: "STREAM_GAP" });
  });

  test("a parent that ended a day ago, with a grandchild: a gap", async () => {
    const streams = fakeStreams([
      ...shards.slice(0, 1),
      { id: "c", parent: "p", last: "12" },
      { id: "g", parent: "c" },
    ]);
    const done: ShardNote = { ...running, status: "done" };
    expect(await follow(streams, noted([done], { p: ago(25) }))).toMatchObject({ code: "STREAM_GAP" });
  });

  test("a parent that was idle at its tip two hours ago: none", async () => {
    const streams = fakeStreams(shards, { p: [{ ended: true }] });
    const { code, read } = await follow(streams, noted([running], { p: ago(2) }));
    expect(code).toBeUndefined();
    expect(read).toEqual(["p", "c"]);
  });

  test("a parent noted long ago that is read on to records of today: none", async () => {
    const streams = fakeStreams(shards, { p: [{ records: [changed("a", 7, ago(1))] }, { ended: true }] });
    const { code, read } = await follow(streams, noted([running], { p: ago(25) }));
    expect(code).toBeUndefined();
    expect(read).toEqual(["p", "c"]);
  });
});

test("an end that is seen now says nothing of when it was", async () => {
  const streams = fakeStreams([{ id: "p" }]);
  const checkpoint = noted([{ id: "p", status: "running", position: at("5") }], { p: ago(25) });
  await using ctx = await streamContext({ streams, checkpoint });
  const stream = await opened(ctx);
  streams.answers.set("p", [{}, {}, { ended: true }]);
  const done = followTable(stream).catch(() => {});
  while (stream.checkpoint.shards.get("p")!.status !== "done") await sleep(5);
  noteShards(stream, [{ id: "c", parent: "p" }]);
  expect(stream.checkpoint.shards.get("c")!.notedAt).toBeLessThan(ago(24));
  ctx.stop(new Error("enough"));
  await done;
});

test("a stream that is gone on with is listed once at its opening: what came meanwhile is known then", async () => {
  const streams = fakeStreams([{ id: "p" }, { id: "c", parent: "p" }]);
  const running: ShardNote = { id: "p", status: "running", position: at("5") };
  await using ctx = await streamContext({ streams, checkpoint: noted([running], { p: ago(1) }) });
  const { checkpoint, listedAt } = await opened(ctx, "noted");
  expect(checkpoint.shards.get("c")).toMatchObject({ status: "waiting", position: { at: "horizon" } });
  expect(streams.listings).toBe(1);
  expect(performance.now() - listedAt!).toBeLessThan(5000);
});

test("a stream that was read a minute ago is followed at once, and at its tip when it is listed, too", async () => {
  const streams = fakeStreams([{ id: "p" }]);
  const running: ShardNote = { id: "p", status: "running", position: at("5") };
  await using ctx = await streamContext({ streams, checkpoint: noted([running], { p: ago(1 / 60) }) });
  const stream = await opened(ctx, "noted");
  expect(streams.listings).toBe(0);
  const list = streams.shards.bind(streams);
  const { promise: asked, resolve: allow } = Promise.withResolvers<void>();
  streams.shards = async (...args) => {
    await asked;
    return list(...args);
  };
  const done = followTable(stream).catch(() => {});
  while (streams.opened.length === 0) await sleep(1);
  expect(streams.opened).toEqual([{ shard: "p", from: at("5") }]);
  const settled = { settledAt: Date.now(), settledFrom: Date.now() };
  const isGood = (): boolean[] => {
    Object.assign(stream.progress.shards.get("p")!, settled);
    const { progress } = stream;
    const tables = new Map([["t", { name: "t", state: "following" as const, stream: progress }]]);
    const until = appliedUntil({ tables });
    return [isAtTip(stream, 0), switchable({ tables }, settled.settledAt).good, until !== undefined];
  };
  // However quiet it is: the shards that follow may be there already.
  expect(isGood()).toEqual([false, false, false]);
  allow();
  while (stream.listedAt === undefined) await sleep(1);
  expect(streams.listings).toBe(1);
  expect(isGood()).toEqual([true, true, true]);
  ctx.stop(new Error("enough"));
  await done;
});

test("while its table is copied it is listed at once, too", async () => {
  const streams = fakeStreams([{ id: "p" }, { id: "c", parent: "p" }]);
  const running: ShardNote = { id: "p", status: "running", position: at("5") };
  await using ctx = await streamContext({ streams, checkpoint: noted([running], { p: ago(1 / 60) }) });
  const stream = await opened(ctx, "noted");
  const unkeep = refreshStartPositions(stream);
  while (!stream.checkpoint.shards.has("c")) await sleep(1);
  expect(streams.listings).toBe(1);
  await unkeep();
});

test("positions that were cut off half way are whole at the next start: no shard waits for a parent that is long gone", async () => {
  const shards = Array.from({ length: 40 }, (_, n): Shard => ({ id: `s${n}`, parent: `gone${n}` }));
  const streams = fakeStreams(shards, { s0: [new Error("killed here")] });
  const checkpoint = noted([]);
  await using first = await streamContext({ streams, checkpoint });
  await expect(opened(first)).rejects.toThrow("killed here");
  await using second = await streamContext({ streams, checkpoint });
  const stream = await opened(second);
  expect(stream.checkpoint.shards.size).toBe(40);
  expect(stream.orphans.size).toBe(0);
});

test("a quiet shard that is read anew isn't read from before the time at which it was noted first", async () => {
  const clock = Date.now() - 1000;
  const streams = Object.assign(fakeStreams([{ id: "q" }]), { clock: () => clock });
  const checkpoint = memoryCheckpoint();
  const since = clock - 5 * 60_000;
  for (const from of ["latest", "horizon"]) {
    await using ctx = await streamContext({ streams, checkpoint });
    const stream = await opened(ctx);
    const following = followTable(stream).catch(() => {});
    while (streams.opened.length === 0) await sleep(5);
    expect(streams.opened.splice(0)).toEqual([{ shard: "q", from: { at: from, since } } as never]);
    ctx.stop(new Error("enough"));
    await following;
  }
  // A record is applied, and the process is killed before the row is saved: what is beside it is.
  const { save } = checkpoint;
  checkpoint.save = async (name, parts) => (name === "shards:t" ? undefined : save(name, parts));
  streams.answers.set("q", [{ records: [changed("a", 20)] }]);
  await using ctx = await streamContext({ streams, checkpoint });
  const following = followTable(await opened(ctx)).catch(() => {});
  while (streams.answers.get("q")!.length > 0) await sleep(5);
  await sleep(20);
  ctx.stop(new Error("enough"));
  await following;
  streams.opened.length = 0;
  const next = await opened(await streamContext({ streams, checkpoint }));
  expect(next.checkpoint.shards.get("q")!.position).toEqual({ at: "horizon", since });
});

describe("noted by a clock that was hours ahead", () => {
  const quiet: ShardNote = { id: "q", status: "waiting", position: { at: "horizon" } };
  const parent: ShardNote = { id: "p", status: "running", position: at("5") };
  const child: Shard[] = [{ id: "p" }, { id: "q", parent: "p" }];
  test.each<[string, Shard[], ShardNote[], Record<string, number>, string | undefined]>([
    ["a quiet shard: a gap", [{ id: "q" }], [quiet], { q: ago(-20) }, "STREAM_GAP"],
    ["one ahead by a minute: none", [{ id: "q" }], [quiet], { q: ago(-1 / 60) }, undefined],
    [
      "a child whose parent is known to be read: none",
      child,
      [
        { ...parent, time: ago(1) },
        { ...quiet, parent: "p" },
      ],
      { p: ago(-20), q: ago(-20) },
      undefined,
    ],
    ["a child that turns up then: a gap", child, [parent], { p: ago(-20) }, "STREAM_GAP"],
    [
      "a quiet shard of NimoShake's, zones aside: a gap",
      [{ id: "q" }],
      [{ ...quiet, updatedAt: ago(-20) }],
      {},
      "STREAM_GAP",
    ],
    ["one of a zone ahead: none", [{ id: "q" }], [{ ...quiet, updatedAt: ago(-8) }], {}, undefined],
  ])("%s", async (_, shards, rows, times, code) => {
    const streams = fakeStreams(shards, { p: [{ ended: true }] });
    const checkpoint = noted(rows, times);
    // Nor at a later start, when its row has a time.
    for (let start = 0; start < 2; start++) expect((await follow(streams, checkpoint)).code).toBe(code);
  });

  test("a shard that is read is noted anew, so that a later start is none", async () => {
    const streams = fakeStreams([{ id: "p" }]);
    const checkpoint = noted([parent], { p: ago(-20) });
    await using ctx = await streamContext({ streams, checkpoint });
    const stream = await opened(ctx, "noted");
    const done = followTable(stream).catch(() => {});
    const notedAt = (): number => stream.checkpoint.shards.get("p")!.notedAt!;
    for (let n = 0; n < 200 && notedAt() > Date.now(); n++) await sleep(20);
    ctx.stop(new Error("enough"));
    await done;
    expect(notedAt()).toBeWithin(ago(0.1), Date.now() + 1);
  });
});

describe("a shard whose first request comes late", () => {
  const quiet: ShardNote = { id: "q", status: "waiting", position: { at: "horizon" } };
  const parent: ShardNote = { id: "p", status: "running", position: at("5"), time: ago(22) };
  const child: Shard[] = [{ id: "p" }, { id: "q", parent: "p" }];
  const sleepLong = (): void => void setSystemTime(Date.now() + 3 * HOUR);
  afterEach(() => void setSystemTime());

  test.each<[string, Shard[], ShardNote]>([
    ["behind a pause", [{ id: "q" }], quiet],
    ["a child that is found in a pause", child, parent],
  ])("asked first a day after it was begun with, %s: a gap", async (_, shards, note) => {
    const streams = fakeStreams(shards, { p: [{ ended: true }], q: [{ records: [changed("a", 20)] }] });
    await using ctx = await streamContext({ streams, checkpoint: noted([note], { [note.id]: ago(22) }) });
    const stream = await opened(ctx, "noted");
    const closing = ctx.gate.close();
    const { enter } = ctx.gate;
    if (note === parent) {
      // Its end is seen just before.
      ctx.gate.enter = async () => {
        ctx.gate.enter = enter;
        return ctx.gate.inside();
      };
    }
    const done = followTable(stream).catch(() => {});
    await sleep(30);
    sleepLong();
    closing.open();
    await Promise.race([done, sleep(2000)]);
    const { reason } = ctx.signal;
    ctx.stop(new Error("enough"));
    await done;
    expect(reason).toMatchObject({ code: "STREAM_GAP" });
    expect(streams.opened.map(({ shard }) => shard)).not.toContain("q");
  });

  test("asked first a day after it was begun with, lightly: a gap", async () => {
    const streams = fakeStreams(child, { q: [{ records: [changed("a", 20)] }] });
    await using ctx = await streamContext({ streams, checkpoint: noted([parent], { p: ago(22) }) });
    const stream = await opened(ctx, "noted");
    sleepLong();
    const read = readLightly(stream, "q", stream.readers.get("q")!, ctx.signal);
    await expect(read).rejects.toMatchObject({ code: "STREAM_GAP" });
  });
});

describe("while the full phase runs", () => {
  test("the children of a shard whose end was seen are looked for at once, and read lightly", async () => {
    const streams = fakeStreams([{ id: "p" }], {
      p: [{ ended: true }],
      c: [{ records: [changed("a", 20)] }],
    });
    await using ctx = await streamContext({ streams });
    const stream = await opened(ctx);
    const unkeep = refreshStartPositions(stream);
    await sleep(20);
    streams.listed = [
      { id: "p", last: "9" },
      { id: "c", parent: "p" },
    ];
    while (!stream.checkpoint.shards.has("c")) await sleep(5);
    while (stream.checkpoint.shards.get("c")!.position.at !== "sequence") await sleep(20);
    await unkeep();
    expect(stream.checkpoint.shards.get("c")).toMatchObject({
      position: { at: "sequence", number: "20", inclusive: true },
    });
    expect(streams.opened).toEqual([
      { shard: "p", from: { at: "latest" } },
      { shard: "c", from: { at: "horizon" } },
    ]);
  });

  test("a child found after a pause of a day is a gap there, too", async () => {
    const done: ShardNote = { id: "p", status: "done", position: at("5"), time: ago(25) };
    const streams = fakeStreams([{ id: "c", parent: "p" }], { c: [{}, { records: [changed("a", 20)] }] });
    await using ctx = await streamContext({ streams, checkpoint: noted([done], { p: ago(25) }) });
    const unkeep = refreshStartPositions(await opened(ctx, "noted"));
    for (let n = 0; n < 50 && !ctx.signal.aborted; n++) await sleep(10);
    await unkeep();
    expect(ctx.signal.reason).toMatchObject({ code: "STREAM_GAP" });
  });

  test("a child that waited a day for its parent after it was read lightly is a gap", async () => {
    const parent: ShardNote = { id: "p", status: "running", position: at("5"), time: ago(2) };
    const streams = fakeStreams([{ id: "p" }, { id: "c", parent: "p" }], { p: [{ ended: true }] });
    const checkpoint = noted([parent], { p: ago(2) });
    await using ctx = await streamContext({ streams, checkpoint });
    const stream = await opened(ctx, "noted");
    await refreshStartPositions(stream)();
    expect([...stream.readers.keys()]).toEqual(["c"]);
    for (const note of stream.checkpoint.shards.values()) {
      stream.checkpoint.note({ ...note, notedAt: ago(25), time: ago(25) });
    }
    await followTable(stream).catch(() => {});
    expect(ctx.signal.reason).toMatchObject({ code: "STREAM_GAP" });
  });

  test("light reads count for qps.incr", async () => {
    const many = Array.from({ length: 12 }, (_, n): Shard => ({ id: `s${n}` }));
    await using ctx = await streamContext({ streams: fakeStreams(many), settings: { "qps.incr": "20" } });
    const from = performance.now();
    await opened(ctx);
    expect(performance.now() - from).toBeGreaterThan(450);
  });
});

describe("a quiet shard taken over from NimoShake", () => {
  const quiet: ShardNote = { id: "q", status: "waiting", position: { at: "horizon" } };
  const busy: ShardNote = { id: "b", status: "running", position: at("5") };
  const shards: Shard[] = [{ id: "q" }, { id: "b" }];

  test.each<[string, ShardNote[], string | undefined]>([
    ["updated two hours ago", [{ ...quiet, updatedAt: ago(2) }], undefined],
    ["updated a day ago", [{ ...quiet, updatedAt: ago(24) }], "STREAM_GAP"],
    [
      "updated a day ago, beside a busy one",
      [
        { ...quiet, updatedAt: ago(24) },
        { ...busy, time: ago(1) },
      ],
      "STREAM_GAP",
    ],
    ["never updated, beside one that was read an hour ago", [quiet, { ...busy, time: ago(1) }], undefined],
    ["never updated, beside one that was read a day ago", [quiet, { ...busy, time: ago(24) }], "STREAM_GAP"],
    ["of which nobody knows a time", [quiet], "STREAM_GAP"],
    [
      "that waits for one far behind",
      [
        { ...quiet, parent: "b" },
        { ...busy, time: ago(24), updatedAt: ago(1) },
      ],
      "STREAM_GAP",
    ],
  ])("%s", async (_, rows, code) => {
    const streams = fakeStreams(shards, { b: rows[0]!.parent === "b" ? [{ ended: true }] : [] });
    expect((await follow(streams, noted(rows))).code).toBe(code);
  });

  test("its start, noted as a number, doesn't look fresh at the next start", async () => {
    const start: ShardNote = { ...quiet, position: { at: "sequence", number: "100", inclusive: true } };
    const checkpoint = noted([{ ...start, updatedAt: ago(24) }]);
    const streams = fakeStreams([{ id: "q", first: "100" }]);
    expect((await follow(streams, checkpoint)).code).toBe("STREAM_GAP");
    expect((await follow(streams, checkpoint)).code).toBe("STREAM_GAP");
  });
});
