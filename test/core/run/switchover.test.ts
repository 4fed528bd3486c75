/** After which events a switch-over says that it is done: never before all of it is applied and saved. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import { MigrationError, streamGap } from "../../../core/errors.ts";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";
import type { OwnedContext } from "../../../core/run/context.ts";
import { SWITCHED_OVER } from "../../../core/run/session.ts";
import type { Look, Newcomers } from "../../../core/run/newcomers.ts";
import { openStreams } from "../../../core/run/streams.ts";
import { switchOver } from "../../../core/run/switchover.ts";
import type { StreamPage } from "../../../core/types.ts";
import { memoryCheckpoint, page } from "../../fakes/context.ts";
import {
  changed,
  type FakeStreams,
  fakeStreams,
  streamContext,
  type StreamContextOptions,
  TABLE,
} from "../../fakes/streams.ts";

setDefaultTimeout(60_000);

/** What a run had done when its switch-over was over. */
interface Ended {
  /** The sequence numbers that were applied, in their order. */
  applied: string[];
  /** The row of each shard, as it was saved. */
  saved: Record<string, { position: string; status: string }>;
  failure: unknown;
  changesAfter: number;
}

interface Scene extends Partial<StreamContextOptions> {
  streams: FakeStreams;
  /** Before the following begins. */
  prepare?: (ctx: OwnedContext) => void;
  /** When the command has come. */
  meanwhile?: (ctx: OwnedContext) => Promise<void> | void;
  /** Looks for new tables. */
  look?: Newcomers["look"];
}

const numbers = (records: { sequenceNumber?: string | undefined }[]): string[] =>
  records.map(({ sequenceNumber }) => sequenceNumber!);

/** Follows, and switches over as soon as it does. */
async function switched({ prepare, meanwhile, look, apply, ...options }: Scene): Promise<Ended> {
  const checkpoint = memoryCheckpoint();
  const applied: string[] = [];
  await using ctx = await streamContext({
    checkpoint,
    ...options,
    async apply(batch) {
      const answer = await apply?.(batch);
      applied.push(...numbers(batch.records));
      return answer;
    },
  });
  prepare?.(ctx);
  const run = await openCheckpoint(ctx, [TABLE], false);
  await run.begin([]);
  const follower = openStreams(ctx, [TABLE], run, createFairSemaphore(1));
  await follower.opened(TABLE);
  follower.start(TABLE);
  const progress = { at: Date.now(), changesAfter: 0, isDone: false };
  ctx.progress.switchover = progress;
  const newcomers = look && { look };
  const followed = { tables: [TABLE], follower, newcomers, verifying: undefined, onVerified() {} };
  const switching = {
    ctx,
    gate: ctx.gate,
    tables: () => [TABLE],
    followed: () => followed,
    tell: () => {},
    signal: ctx.signal,
    progress,
  };
  const [over] = await Promise.allSettled([switchOver(switching, {}), meanwhile?.(ctx)]);
  const failure = over.status === "rejected" ? over.reason : undefined;
  if (failure === undefined) expect([progress.isDone, ctx.signal.reason]).toEqual([true, SWITCHED_OVER]);
  // As they are at this very moment: what comes later doesn't count.
  const rows = [...(checkpoint.states.get(`shards:${TABLE.name}`) ?? [])] as [
    string,
    Record<string, string>,
  ][];
  const saved = rows.map(([id, row]) => [id, { position: row["SequenceNumber"], status: row["Status"] }]);
  const found = { applied: [...applied], saved: Object.fromEntries(saved) as Ended["saved"] };
  ctx.stop(new Error("enough"));
  await follower.stopped().catch(() => {});
  return { ...found, failure, changesAfter: progress.changesAfter };
}

const records = (...made: [pk: string, number: number, time?: number][]): Partial<StreamPage> => ({
  records: made.map(([pk, number, time]) => changed(pk, number, time)),
});

const empties = (count: number): Partial<StreamPage>[] => Array.from({ length: count }, () => ({}));

describe("a switch-over is done when all that was written before", () => {
  test.concurrent("has come, over answers that were empty though something was there", async () => {
    const before = Date.now() - 5000;
    const streams = fakeStreams([{ id: "s" }]);
    streams.answers.set("s", [
      ...empties(8),
      records(["a", 1, before]),
      ...empties(8),
      records(["b", 2, before]),
    ]);
    const { applied, saved, changesAfter } = await switched({ streams });
    expect(applied).toEqual(["1", "2"]);
    expect(saved["s"]?.position).toBe("2");
    expect(changesAfter).toBe(0);
  });

  test.concurrent("is written, slowly, and its position saved; what was made later is counted", async () => {
    const streams = fakeStreams([{ id: "s" }, { id: "u" }]);
    streams.answers.set("u", [
      ...empties(4),
      records(["a", 7, Date.now() + 60_000], ["b", 8, Date.now() + 60_000]),
    ]);
    const slow = () => sleep(3000);
    const { applied, saved, changesAfter } = await switched({ streams, apply: slow });
    expect(applied).toEqual(["7", "8"]);
    expect(saved["u"]?.position).toBe("8");
    expect(changesAfter).toBe(2);
  });

  test.concurrent("is written at last, by an error hook that has it tried again", async () => {
    let tries = 0;
    const streams = fakeStreams([{ id: "s" }]);
    streams.answers.set("s", [{}, records(["a", 1])]);
    const { applied, saved } = await switched({
      streams,
      prepare: (ctx) => ctx.hook("error", (event) => void (event.action = "retry")),
      async apply() {
        if (++tries < 6) throw new MigrationError("TARGET_FAILED", "not now");
      },
    });
    expect([tries, applied, saved["s"]?.position]).toEqual([6, ["1"], "1"]);
  });

  test.concurrent("is read from the children of a shard that ends meanwhile, the second one listed late", async () => {
    const streams = fakeStreams([{ id: "a" }]);
    streams.answers.set("d", [records(["k", 7])]);
    const { applied, saved } = await switched({
      streams,
      async meanwhile() {
        await sleep(300);
        streams.answers.set("a", [{ ended: true }]);
        streams.listed = [
          { id: "a", last: "5" },
          { id: "c", parent: "a" },
        ];
        // Later than it is looked whether they are all.
        await sleep(1500);
        streams.listed = [...streams.listed, { id: "d", parent: "a" }];
      },
    });
    expect(applied).toEqual(["7"]);
    expect(saved["d"]?.position).toBe("7");
  });

  test.concurrent("is in the copy of a table that had to be copied again", async () => {
    let copies = 0;
    const streams = fakeStreams([{ id: "s" }]);
    streams.answers.set("s", [...empties(3), streamGap("records are gone")]);
    const { failure } = await switched({
      streams,
      settings: { on_gap: "resync" },
      source: {
        tables: async () => [TABLE],
        units: (table) => [{ phase: "full", table, segment: 0, segments: 1 }],
        async *read() {
          await sleep(2500);
          copies++;
          yield page([]);
        },
        absent: async () => [],
      },
    });
    expect([failure, copies]).toEqual([undefined, 1]);
  });

  test.concurrent("is applied out of the spool", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-switchover-"));
    try {
      const streams = fakeStreams([{ id: "s" }]);
      streams.answers.set("s", [{}, records(["a", 1], ["b", 2]), records(["c", 3])]);
      const { applied, saved } = await switched({
        streams,
        settings: { incr_sync_parallel: "true", "increase.persist.dir": folder },
        apply: () => sleep(500),
      });
      expect(applied).toEqual(["1", "2", "3"]);
      expect(saved["s"]?.position).toBe("3");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a switch-over is never done", () => {
  test.concurrent("when there is a gap: that is what the run fails with", async () => {
    const streams = fakeStreams([{ id: "s" }]);
    streams.answers.set("s", [...empties(5), streamGap("records are gone")]);
    const { failure } = await switched({ streams });
    expect(failure).toMatchObject({ code: "STREAM_GAP" });
  });

  test.concurrent("when a position can't be saved", async () => {
    const checkpoint = memoryCheckpoint();
    const { save } = checkpoint;
    const streams = fakeStreams([{ id: "s" }]);
    const { failure } = await switched({
      streams,
      checkpoint,
      async meanwhile() {
        await sleep(200);
        checkpoint.save = async () => {
          throw new MigrationError("CHECKPOINT_FAILED", "the disk is full");
        };
        streams.answers.set("s", [records(["a", 1])]);
        await sleep(1500);
        checkpoint.save = save;
      },
    });
    expect(failure).toMatchObject({ code: "CHECKPOINT_FAILED" });
  });

  test.concurrent("while a shard is listed behind a parent that nobody has seen", async () => {
    const streams = fakeStreams([{ id: "s" }]);
    const signal = AbortSignal.timeout(3500);
    const { failure } = await switched({
      streams,
      patience: 60_000,
      async meanwhile(ctx) {
        streams.listed = [{ id: "s" }, { id: "o", parent: "unseen" }];
        await sleep(3500);
        expect(ctx.progress.switchover?.isDone).toBe(false);
        ctx.stop(signal.reason);
      },
    });
    expect(failure).toBe(signal.reason);
  });
});

test.concurrent("a look for new tables that fails is no look: it is made again before anything is done", async () => {
  const looks: Look[] = ["failed", "failed", "looked"];
  const { failure } = await switched({
    streams: fakeStreams([{ id: "s" }]),
    look: async () => looks.shift()!,
  });
  expect([failure, looks]).toEqual([undefined, []]);
});

test.concurrent("where looks for new tables are denied a switch-over says that it has made none, and is done", async () => {
  const warnings: string[] = [];
  const { failure } = await switched({
    streams: fakeStreams([{ id: "s" }]),
    look: async () => "denied",
    prepare: (ctx) => {
      ctx.log.warn = Object.assign((text: string) => void warnings.push(text), { raw: () => {} });
    },
  });
  expect(failure).toBeUndefined();
  expect(warnings.join()).toContain("tables made since the start");
});
