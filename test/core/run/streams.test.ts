/** Streams between two starts: notes that are left over, and tables that are copied again. */
import { streamGap } from "../../../core/errors.ts";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFollowed, isOriginals } from "../../../core/checkpoint/nimoshake-status.ts";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import type { Context } from "../../../core/plugin/context.ts";
import { fingerprint } from "../../../core/checkpoint/fingerprint.ts";
import { openStreams } from "../../../core/run/streams.ts";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";
import { findPlaces, prepareTargetTables } from "../../../core/run/target-tables.ts";
import { beginResync } from "../../../core/run/resync.ts";
import type { Resumption, Source } from "../../../core/plugin/roles.ts";
import { openTableSpool } from "../../../core/spool/table-spool.ts";
import { forgetStream } from "../../../core/checkpoint/stream-parts.ts";
import { migrateTable, prepareIncr } from "../../../core/run/table.ts";
import type { Table } from "../../../core/types.ts";
import { memoryCheckpoint, page } from "../../fakes/context.ts";
import { changed, fakeStreams, noted, streamContext, TABLE } from "../../fakes/streams.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "nimo-shake-following-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = () => ({ on_gap: "resync", "increase.persist.dir": join(folder, "spool") });

/** A source without items, whose table is described as this. */
const empty = (described: Table = TABLE): Partial<Source> => ({
  tables: async () => [described],
  units: (table) => [{ phase: "full", table, segment: 0, segments: 1 }],
  read: async function* () {
    yield page([]);
  },
  absent: async () => [],
});

const done = { stage: "done", targetName: "t", units: 1 };
const copiedState = (more: object = {}) => {
  const checkpoint = memoryCheckpoint();
  checkpoint.states.set("table:t", new Map([["table", { ...done, ...more }]]));
  return checkpoint;
};

/** Notes a run that isn't finished, which the states of its tables belong to. */
function begun(
  checkpoint: Pick<ReturnType<typeof memoryCheckpoint>, "states">,
  { config, sameOptions }: Context,
): void {
  const run = { settings: fingerprint(config, sameOptions), startedAt: new Date().toISOString() };
  checkpoint.states.set("run", new Map([["run", run]]));
}

test("a stream whose forgetting was cut off isn't taken for NimoShake's", async () => {
  const position = { at: "sequence", number: "4", inclusive: false } as const;
  const checkpoint = noted([{ id: "s", status: "running", position }], { s: Date.now() });
  checkpoint.states.set("status", new Map([["status", "incr_sync"]]));
  const { clear } = checkpoint;
  let clears = 0;
  checkpoint.clear = async (name) => {
    if (++clears > 1) throw new Error("killed");
    return clear(name);
  };
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  await expect(forgetStream(ctx, TABLE)).rejects.toThrow("killed");
  expect(await isOriginals(ctx, TABLE, isFollowed(ctx))).toBe(false);
});

test("positions that were noted in part are taken anew, for nothing is copied yet", async () => {
  const hourAgo = Date.now() - 3_600_000;
  const latest = { at: "latest" } as const;
  const checkpoint = noted([{ id: "a", status: "waiting", position: latest }], { a: hourAgo });
  const state = { stage: "copying", targetName: "t", units: 1, key: "pk S" };
  checkpoint.states.set("table:t", new Map([["table", state]]));
  // The parent has expired: a shard that wasn't noted in time would look as if it had been missed.
  const streams = fakeStreams([{ id: "a" }, { id: "b", parent: "expired" }]);
  await using ctx = await streamContext({ streams, checkpoint, source: empty(), settings: settings() });
  begun(checkpoint, ctx);
  const run = await openCheckpoint(ctx, [TABLE], false);
  const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
  await following.opened(TABLE);
  ctx.stop(new Error("enough"));
  await following.stopped();
  expect([...checkpoint.states.get("shards:t")!.keys()].sort()).toEqual(["a", "b"]);
  const { notedAt } = checkpoint.states.get("stream:t")!.get("shard:a") as { notedAt: number };
  expect(notedAt).toBeGreaterThan(hourAgo);
});

test("positions that an older version has noted are gone on with", async () => {
  const checkpoint = noted([{ id: "a", status: "waiting", position: { at: "horizon" } }], { a: Date.now() });
  checkpoint.states.set("table:t", new Map([["table", { stage: "copying", targetName: "t", units: 1 }]]));
  const streams = fakeStreams([{ id: "a" }]);
  await using ctx = await streamContext({ streams, checkpoint, source: empty(), settings: settings() });
  begun(checkpoint, ctx);
  const run = await openCheckpoint(ctx, [TABLE], false);
  const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
  await following.opened(TABLE);
  ctx.stop(new Error("enough"));
  await following.stopped();
  expect(streams.opened.map(({ from }) => from.at)).not.toContain("latest");
});

describe("a table that is copied again", () => {
  test("leaves its spool behind, which would lead to the same gap", async () => {
    const running = {
      id: "s",
      status: "running",
      position: { at: "sequence", number: "4", inclusive: false },
    } as const;
    const checkpoint = noted([running], { s: Date.now() });
    checkpoint.states.get("stream:t")!.set("spool:s", { readUpTo: "5" });
    checkpoint.states.set("table:t", new Map([["table", done]]));
    const spool = openTableSpool(join(folder, "spool"), "test", "t");
    await (await spool.shard("s")).append([changed("a", 5)]);
    const streams = fakeStreams([{ id: "s" }], { s: [streamGap("records after 5 are gone")] });
    await using ctx = await streamContext({
      streams,
      checkpoint,
      source: empty(),
      settings: { ...settings(), id: "test" },
    });
    begun(checkpoint, ctx);
    const run = await openCheckpoint(ctx, [TABLE], false);
    const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
    await following.opened(TABLE);
    following.start(TABLE);
    while (run.table(TABLE).state?.stage !== "done" || streams.opened.length < 2) await Bun.sleep(10);
    await Bun.sleep(100);
    expect(ctx.signal.aborted).toBe(false);
    ctx.stop(new Error("enough"));
    await following.stopped();
    expect(streams.opened.map(({ from }) => from)).toEqual([
      { at: "sequence", number: "5", inclusive: false },
      { at: "latest" },
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(["shards:t", "stream:t"])(
    "is copied once when the process is killed before %s is forgotten",
    async (name) => {
      const position = { at: "sequence", number: "4", inclusive: false } as const;
      const checkpoint = noted([{ id: "s", status: "running", position }], { s: Date.now() });
      checkpoint.states.set("table:t", new Map([["table", { ...done, noted: true }]]));
      let copies = 0;
      const source = empty();
      const read = source.read!;
      source.read = (unit, options) => {
        copies++;
        return read(unit, options);
      };
      /** What is behind the old position is gone, in each process. */
      const streams = fakeStreams([{ id: "s" }]);
      const latest = streams.read;
      let polls = 0;
      const isFollowed = (): boolean => polls >= 3;
      streams.read = (unit, from) => {
        const reader = latest(unit, from);
        return {
          poll(options) {
            if (from.at !== "latest") return Promise.reject(streamGap("records after 4 are gone"));
            polls++;
            return reader.poll(options);
          },
        };
      };
      const clear = checkpoint.clear;
      checkpoint.clear = async (each) => {
        if (each === name) throw new Error("killed");
        return clear(each);
      };
      {
        await using ctx = await streamContext({ streams, checkpoint, source, settings: settings() });
        begun(checkpoint, ctx);
        const run = await openCheckpoint(ctx, [TABLE], false);
        const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
        await following.opened(TABLE);
        following.start(TABLE);
        await following.stopped();
        expect(ctx.signal.reason).toMatchObject({ message: expect.stringContaining("killed") });
      }
      checkpoint.clear = clear;
      await using ctx = await streamContext({ streams, checkpoint, source, settings: settings() });
      const run = await openCheckpoint(ctx, [TABLE], false);
      const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
      await following.opened(TABLE);
      await migrateTable(ctx, TABLE, ctx.progress.tables.get("t")!, run.table(TABLE), createFairSemaphore(1));
      following.start(TABLE);
      while (!isFollowed() && !ctx.signal.aborted) await Bun.sleep(10);
      ctx.stop(new Error("enough"));
      await following.stopped();
      expect(ctx.signal.reason).toMatchObject({ message: "enough" });
      expect(copies).toBe(1);
      expect(run.table(TABLE).state).toMatchObject({ stage: "done", round: 1, noted: true });
    },
  );

  test.each(["all", "incr"])(
    "is written over what is there, by a later start too, sync_mode = %s",
    async (mode) => {
      const checkpoint = copiedState({ stage: "copying", round: 1, noted: true });
      const read = { read: 5, filtered: 2, overflowed: 1, bytes: 500 };
      const position = { pk: { S: "e" } };
      checkpoint.states.get("table:t")!.set("1.0", { ...read, position });
      await using ctx = await streamContext({
        streams: fakeStreams(),
        checkpoint,
        source: empty(),
        settings: { ...settings(), sync_mode: mode },
      });
      begun(checkpoint, ctx);
      const resumed: Resumption[] = [];
      ctx.role("target").resume = async (_, resumption) => void resumed.push(resumption);
      ctx.role("target").count = async () => 5;
      const run = await openCheckpoint(ctx, [TABLE], false);
      const places = await findPlaces(ctx, [TABLE], run, [], { fresh: false });
      await prepareTargetTables(ctx, places);
      if (mode === "incr") await prepareIncr(ctx, TABLE, run.table(TABLE), createFairSemaphore(1));
      expect(resumed.map(({ units }) => units)).toEqual([[]]);
      const before = { resumed: 5, resumedBytes: 500, resumedFiltered: 2, resumedOverflowed: 1 };
      expect(ctx.progress.tables.get("t")).toMatchObject(before);
    },
  );

  test("isn't copied without end: a gap that comes back ends the run", async () => {
    let copies = 0;
    const streams = fakeStreams([{ id: "s" }]);
    const source = empty();
    const read = source.read!;
    source.read = (unit, options) => {
      copies++;
      streams.answers.set("s", [streamGap("records are gone")]);
      return read(unit, options);
    };
    await using ctx = await streamContext({ streams, source, settings: settings() });
    const run = await openCheckpoint(ctx, [TABLE], false);
    const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
    await following.opened(TABLE);
    streams.answers.set("s", [streamGap("records are gone")]);
    following.start(TABLE);
    await following.stopped();
    expect(copies).toBe(3);
    // The next process knows of it.
    const later = beginResync(ctx, TABLE, run.table(TABLE), streamGap("records are gone"));
    await expect(later).rejects.toThrow("copied again 3 times");
    expect(ctx.signal.reason).toMatchObject({
      code: "STREAM_GAP",
      message: expect.stringContaining("copied again 3 times"),
    });
  });

  test("counts only its own copies: those of another table of that name are no sign of a gap that comes back", async () => {
    const table = { ...TABLE, id: "second" };
    const rounds = [1, 2, 3].map(() => Date.now());
    const begin = async (source: string): Promise<unknown> => {
      const checkpoint = copiedState({ source, rounds, key: "pk S" });
      await using ctx = await streamContext({
        streams: fakeStreams(),
        checkpoint,
        source: empty(table),
        settings: settings(),
      });
      begun(checkpoint, ctx);
      const run = await openCheckpoint(ctx, [table], false);
      await beginResync(ctx, table, run.table(table), streamGap("records are gone"));
      return run.table(table).state?.rounds?.length;
    };
    expect(await begin("first")).toBe(1);
    await expect(begin("second")).rejects.toThrow("copied again 3 times");
  });

  test("is the one that it is now: a later start goes on with it", async () => {
    const table = { ...TABLE, id: "first" };
    const now = { ...TABLE, id: "second" };
    const checkpoint = copiedState({ source: "first" });
    await using ctx = await streamContext({
      streams: fakeStreams(),
      checkpoint,
      source: empty(now),
      settings: settings(),
    });
    begun(checkpoint, ctx);
    const run = await openCheckpoint(ctx, [table], false);
    await beginResync(ctx, table, run.table(table), streamGap("made anew"));
    expect(checkpoint.states.get("table:t")!.get("table")).toMatchObject({
      source: "second",
      stage: "copying",
    });
    const third: Table = { ...now, id: "third", keys: { partition: { name: "other", type: "N" } } };
    await using last = await streamContext({
      streams: fakeStreams(),
      source: empty(third),
      settings: settings(),
    });
    const failure = await beginResync(last, table, run.table(table), streamGap("made anew")).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "CHECKPOINT_MISMATCH" });
  });
});

describe("a table that was made anew between two runs", () => {
  const open = async (
    state: object,
    more: Record<string, string> = {},
    table: Table = { ...TABLE, id: "second" },
  ): Promise<unknown> => {
    const checkpoint = copiedState({ source: "first", ...state });
    const options = { streams: fakeStreams(), checkpoint, source: empty() };
    await using ctx = await streamContext({ ...options, settings: { ...settings(), ...more } });
    begun(checkpoint, ctx);
    const opened = openCheckpoint(ctx, [table], false);
    return opened.then(
      () => "goes on",
      (error: Error) => error.message,
    );
  };

  test("with the key that it had goes on with on_gap = resync", async () => {
    expect(await open({ key: "pk S" })).toBe("goes on");
  });

  test.each<[string, object, Record<string, string>, string]>([
    ["with another key", { key: "pk N" }, {}, "with another key, it was pk N and is pk S"],
    ["of a key that nobody noted", {}, {}, "was deleted and made anew"],
    ["by on_gap = fail", { key: "pk S" }, { on_gap: "fail" }, "was deleted and made anew"],
    ["by sync_mode = full", { key: "pk S" }, { sync_mode: "full" }, "was deleted and made anew"],
    ["that would go elsewhere", { key: "pk S", targetName: "other" }, {}, "went to other"],
  ])("is refused %s", async (_, state, more, says) => {
    expect(await open(state, more)).toContain(says);
  });

  test("is known by its key where nobody knows ids", async () => {
    const says = "made anew at the source since the run began with another key, it was pk N and is pk S";
    expect(await open({ source: undefined, key: "pk N" }, {}, TABLE)).toContain(says);
    expect(await open({ source: undefined, key: "pk S" }, {}, TABLE)).toBe("goes on");
    expect(await open({ source: undefined }, {}, TABLE)).toBe("goes on");
  });

  test("is known by its key also where an older version has begun it", async () => {
    const checkpoint = noted([{ id: "s", status: "waiting", position: { at: "horizon" } }], {
      s: Date.now(),
    });
    checkpoint.states.set("table:t", new Map([["table", { ...done, noted: true }]]));
    const options = { streams: fakeStreams([{ id: "s" }]), checkpoint, source: empty() };
    await using ctx = await streamContext({ ...options, settings: settings() });
    begun(checkpoint, ctx);
    const run = await openCheckpoint(ctx, [TABLE], false);
    const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
    await following.opened(TABLE);
    ctx.stop(new Error("enough"));
    await following.stopped();
    expect(checkpoint.states.get("table:t")!.get("table")).toMatchObject({ key: "pk S" });
  });
});

describe("a run that ends because a save fails is over when nothing reads into its spool any more", () => {
  /** Ends a run whose saves under a name fail; gives how many requests were on their way at its end, and in all. */
  async function endedBy(name: string): Promise<{ onTheWay: number; asked: number }> {
    const checkpoint = memoryCheckpoint();
    const { save } = checkpoint;
    const streams = fakeStreams([{ id: "s" }]);
    const { read } = streams;
    const seen = { onTheWay: 0, asked: 0 };
    streams.read = (unit, from) => {
      const { poll } = read(unit, from);
      return {
        async poll(options) {
          // Light reads are quick: the first request of the spool is the one that is waited for.
          if (options.limit === 1) return poll(options);
          seen.asked++;
          seen.onTheWay++;
          await Bun.sleep(200);
          seen.onTheWay--;
          return poll(options);
        },
      };
    };
    checkpoint.save = async (each, parts) => {
      // The spool has asked by then.
      if (each === "table:t" && streams.opened.length > 0) while (seen.asked === 0) await Bun.sleep(5);
      if (each === name && seen.asked > 0) throw new Error("the store is away");
      return save.call(checkpoint, each, parts);
    };
    const more = { ...settings(), incr_sync_parallel: "true" };
    await using ctx = await streamContext({ streams, checkpoint, source: empty(), settings: more });
    begun(checkpoint, ctx);
    const run = await openCheckpoint(ctx, [TABLE], false);
    const following = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
    await following.opened(TABLE).catch(() => {});
    streams.answers.set("s", [{ records: [changed("k", 7)] }]);
    while (seen.asked < 2 && !ctx.signal.aborted) await Bun.sleep(5);
    ctx.stop(new Error("enough"));
    await following.stopped().catch(() => {});
    return seen;
  }

  test("before its stream is noted as opened", async () => {
    expect(await endedBy("table:t")).toMatchObject({ onTheWay: 0, asked: 1 });
  });

  test("while its table is copied", async () => {
    const { onTheWay, asked } = await endedBy("stream:t");
    expect(onTheWay).toBe(0);
    expect(asked).toBeGreaterThan(0);
  });
});

test("incr --fresh doesn't follow from now what our own copy has filled", async () => {
  const checkpoint = copiedState({ run: "2026", made: "ours", units: 4 });
  await using ctx = await streamContext({
    streams: fakeStreams(),
    checkpoint,
    source: empty(),
    settings: { sync_mode: "incr", on_gap: "fail" },
  });
  ctx.role("target").find = async () => "ours";
  const run = await openCheckpoint(ctx, [TABLE], true);
  await expect(findPlaces(ctx, [TABLE], run, [], { fresh: true })).rejects.toMatchObject({
    code: "STREAM_GAP",
  });
});
