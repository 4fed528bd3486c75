/** New tables, over a source and a follower in memory. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import { MigrationError, streamGap } from "../../../core/errors.ts";
import { createFairSemaphore } from "../../../core/flow/semaphore.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import { trackTable } from "../../../core/progress/progress.ts";
import { watchNewcomers } from "../../../core/run/newcomers.ts";
import { openStreams } from "../../../core/run/streams.ts";
import type { StreamPage, Table } from "../../../core/types.ts";
import { memoryCheckpoint, page } from "../../fakes/context.ts";
import {
  changed,
  type FakeStreams,
  fakeStreams,
  streamContext,
  type StreamContextOptions,
  TABLE,
} from "../../fakes/streams.ts";
import { eventually } from "../../e2e/eventually.ts";

const NEW: Table = { ...TABLE, name: "new", targetName: "new", id: "new-1" };

/** A run that follows `t`, and a source that has what `there` says. */
async function following(
  more: Partial<Source> = {},
  settings: Record<string, string> = {},
  apply?: StreamContextOptions["apply"],
) {
  const there: Table[] = [];
  const asked: string[][] = [];
  const warnings: string[] = [];
  const source: Partial<Source> = {
    tables: async () => [TABLE],
    units: (table) => [{ phase: "full", table, segment: 0, segments: 1 }],
    read: async function* () {
      yield page([]);
    },
    async newTables(known) {
      asked.push([...known].sort());
      return there.filter(({ name }) => !known.has(name)).map((table) => ({ ...table }));
    },
    ...more,
  };
  const checkpoint = memoryCheckpoint();
  const streams = fakeStreams([{ id: "s" }]);
  const ctx = await streamContext({
    streams,
    checkpoint,
    source,
    settings: { sync_mode: "all", ...settings },
    ...(apply && { apply }),
  });
  ctx.log.warn = Object.assign((text: string) => void warnings.push(text), { raw: () => {} });
  const run = await openCheckpoint(ctx, [TABLE], false);
  await run.begin([]);
  await run.table(TABLE).advance({ stage: "done", targetName: "t", units: 0 });
  const readers = createFairSemaphore(4);
  const follower = openStreams(ctx, [TABLE], run, readers);
  await follower.opened(TABLE);
  follower.start(TABLE);
  const tables = [TABLE];
  const newcomers = watchNewcomers({ ctx, listed: [TABLE], tables, checkpoint: run, follower, readers });
  return {
    ctx,
    there,
    asked,
    warnings,
    tables,
    streams,
    checkpoint,
    newcomers,
    parts: { follower, readers, checkpoint: run },
    names: () => tables.map(({ name }) => name),
    state: (name: string) => ctx.progress.tables.get(name)?.state,
    async [Symbol.asyncDispose]() {
      ctx.stop(new Error("enough"));
      await newcomers?.stopped();
      await follower.stopped();
      await ctx[Symbol.asyncDispose]();
    },
  };
}

test.concurrent("a new table is among the run's when the look is over, its positions are saved, and it is followed", async () => {
  await using run = await following();
  run.there.push(NEW);
  await run.newcomers!.look();
  expect(run.names()).toEqual(["t", "new"]);
  await eventually(() => expect(run.state("new")).toBe("following"));
  expect([...run.checkpoint.states.get("shards:new")!.keys()]).toEqual(["s"]);
  const state = run.checkpoint.states.get("table:new")!.get("table");
  expect(state).toMatchObject({ stage: "done", source: "new-1", noted: true });
  await run.newcomers!.look();
  expect(run.asked).toEqual([["t"], ["new", "t"]]);
});

test.concurrent("a failing look is a warning, said once, and the next one counts; a refused one is the last", async () => {
  const failures = [
    new MigrationError("SOURCE_FAILED", "no list today"),
    new MigrationError("SOURCE_FAILED", "no list today"),
    undefined,
    new MigrationError("SOURCE_DENIED", "ListTables isn't granted"),
  ];
  let looks = 0;
  await using run = await following({
    async newTables() {
      const failure = failures[looks++];
      if (failure !== undefined) throw failure;
      return [];
    },
  });
  const become = [];
  for (let n = 0; n < 6; n++) become.push(await run.newcomers!.look());
  expect(become).toEqual(["failed", "failed", "looked", "denied", "denied", "denied"]);
  expect(looks).toBe(4);
  expect(run.warnings.map((text) => /no list today|isn't granted/.exec(text)?.[0])).toEqual([
    "no list today",
    "isn't granted",
  ]);
  expect(run.ctx.signal.aborted).toBe(false);
});

test.concurrent.each(["copied", "indexed"])(
  "one that fails while it is %s is left out, and forgotten when it is gone; the run goes on",
  async (step) => {
    const folder = mkdtempSync(join(tmpdir(), "nimo-shake-newcomers-"));
    using _folder = { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
    const fail = (table: Table): void => {
      if (table.name === "new") throw new MigrationError("DATA_UNFIT", "an item of two worlds");
    };
    const read: Source["read"] = async function* ({ table }) {
      if (step === "copied") fail(table);
      yield page([]);
    };
    // What reads its stream meanwhile ends, too.
    await using run = await following(
      { read },
      { incr_sync_parallel: "true", "increase.persist.dir": folder },
    );
    run.ctx.hook("index:before", ({ table }) => fail(table));
    run.there.push(NEW);
    await run.newcomers!.look();
    await eventually(() => expect(run.ctx.progress.leftOut.get("new")).toMatchObject({ code: "DATA_UNFIT" }));
    expect([run.names(), run.state("new"), run.ctx.signal.aborted]).toEqual([["t"], undefined, false]);
    // Not at once: after the time between two looks.
    await run.newcomers!.look();
    expect(run.names()).toEqual(["t"]);
    run.there.length = 0;
    await run.newcomers!.look();
    expect(run.ctx.progress.leftOut.size).toBe(0);
    expect(run.warnings.filter((text) => text.includes("two worlds"))).toHaveLength(1);
  },
);

test.concurrent("with sync_mode = incr one is named once, until it is gone", async () => {
  await using run = await following({}, { sync_mode: "incr" });
  let setups = 0;
  run.ctx.hook("setup", () => void setups++);
  run.there.push(NEW);
  for (let n = 0; n < 3; n++) await run.newcomers!.look();
  expect(setups).toBe(1);
  expect([...run.ctx.progress.leftOut.keys()]).toEqual(["new"]);
  expect(run.names()).toEqual(["t"]);
  expect(run.warnings).toHaveLength(1);
  run.there.length = 0;
  await run.newcomers!.look();
  expect(run.ctx.progress.leftOut.size).toBe(0);
});

test.concurrent("while one is tried again, a look forgets nothing of it: it isn't news when it fails again", async () => {
  let reads = 0;
  const slowly = Promise.withResolvers<void>();
  await using run = await following(
    {
      read: async function* ({ table }) {
        if (table.name !== "new") return yield page([]);
        if (++reads > 1) await slowly.promise;
        throw new MigrationError("DATA_UNFIT", "an item of two worlds");
      },
    },
    { "increase.new_tables": "1" },
  );
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(reads).toBe(2));
  await run.newcomers!.look();
  slowly.resolve();
  await eventually(() => expect(run.ctx.progress.leftOut.has("new")).toBe(true));
  expect(run.warnings.filter((text) => text.includes("two worlds"))).toHaveLength(1);
});

/** What the new table's shard answers, by the number of the request; undefined: nothing new. */
function answering(streams: FakeStreams, answer: (polls: number) => Partial<StreamPage> | undefined): void {
  const read = streams.read.bind(streams);
  streams.read = (unit, from) => {
    const reader = read(unit, from);
    if (unit.table.name !== "new") return reader;
    let polls = 0;
    return { poll: async (options) => ({ ...(await reader.poll(options)), ...answer(polls++) }) };
  };
}

/** The new table's shard is gone when it is asked for the second time: by who keeps its positions. */
function loseShard(streams: FakeStreams): void {
  answering(streams, (polls) => {
    if (polls > 0) throw streamGap("the shard is gone before it was read: table new");
    return undefined;
  });
}

test.concurrent("what its own failure cuts off, a request that is on its way, ends no more than that table", async () => {
  await using run = await following({
    async *read({ table }, { signal }) {
      if (table.name !== "new") return yield page([]);
      await sleep(60_000, undefined, { signal }).catch(() => {});
      throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
    },
  });
  loseShard(run.streams);
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.ctx.progress.leftOut.get("new")).toMatchObject({ code: "STREAM_GAP" }));
  expect([run.names(), run.ctx.signal.aborted]).toEqual([["t"], false]);
});

test.concurrent("a gap that comes while its indexes are built, which nothing stops, leaves it out, too", async () => {
  await using run = await following();
  loseShard(run.streams);
  const target = run.ctx.role("target");
  const index = target.index.bind(target);
  target.index = async (...asked) => {
    await sleep(4000);
    return index(...asked);
  };
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.ctx.progress.leftOut.get("new")).toMatchObject({ code: "STREAM_GAP" }));
  expect([run.state("new"), run.ctx.signal.aborted]).toEqual([undefined, false]);
});

test.concurrent("once it is followed, what it fails with ends the run as the others' failures do, deleted or not", async () => {
  await using run = await following({ describe: async () => undefined }, {}, async ({ unit }) => {
    if (unit.table.name === "new") throw new MigrationError("DATA_UNFIT", "a key lost digits");
  });
  answering(run.streams, () =>
    run.state("new") === "following" ? { records: [changed("k", 5)], bytes: 10 } : undefined,
  );
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.ctx.signal.reason).toMatchObject({ code: "DATA_UNFIT" }));
});

test.concurrent("one that was deleted in the midst of its copy, and made anew, was never followed: no gap ends the run", async () => {
  let isGone = true;
  await using run = await following({
    async *read({ table }) {
      if (table.name === "new" && isGone) throw new MigrationError("SOURCE_GONE", "the table was deleted");
      yield page([]);
    },
  });
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.names()).toEqual(["t"]));
  // Its copy can't be gone on with; that there is half of it at the target stays known.
  const kept = ["table", "stream", "shards"].filter((what) => run.checkpoint.states.get(`${what}:new`)?.size);
  expect(kept).toEqual(["table"]);
  isGone = false;
  run.there[0] = { ...NEW, id: "new-2" };
  await run.newcomers!.look();
  await eventually(() =>
    expect(run.ctx.progress.leftOut.get("new")).toMatchObject({ code: "CHECKPOINT_MISMATCH" }),
  );
  expect(run.ctx.signal.aborted).toBe(false);
});

test.concurrent("one that was taken for deleted, and is there, is followed again and deleted no more", async () => {
  await using run = await following();
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.state("new")).toBe("following"));
  const state = () => run.checkpoint.states.get("table:new")!.get("table") as { deletedAt?: string };
  await run.parts.follower.leave(NEW);
  await run.parts.checkpoint.table(NEW).advance({ deletedAt: new Date().toISOString() });
  expect(state().deletedAt).toBeDefined();
  run.tables.pop();
  run.newcomers!.left(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.state("new")).toBe("following"));
  expect(state().deletedAt).toBeUndefined();
});

test.concurrent("of two that come together the one that is refused doesn't keep the other one out", async () => {
  await using run = await following();
  const target = run.ctx.role("target");
  target.check = async (tables) => {
    if (tables.some(({ name }) => name === "bad"))
      throw new MigrationError("CONFIG_INVALID", "too long a name");
  };
  run.there.push({ ...NEW, name: "bad", targetName: "bad" }, NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.state("new")).toBe("following"));
  expect([...run.ctx.progress.leftOut.keys()]).toEqual(["bad"]);
});

test.concurrent("one that is refused when all others were deleted ends the run, which has nothing to do any more", async () => {
  const copying = Promise.withResolvers<void>();
  await using run = await following({
    async *read({ table }) {
      if (table.name !== "new") return yield page([]);
      await copying.promise;
      throw new MigrationError("DATA_UNFIT", "an item of two worlds");
    },
  });
  run.there.push(NEW);
  await run.newcomers!.look();
  run.tables.splice(0, 1);
  copying.resolve();
  await eventually(() => expect(run.ctx.signal.reason).toMatchObject({ code: "DATA_UNFIT" }));
});

test.concurrent("a plugin that edits all tables it is shown doesn't move those that are followed", async () => {
  await using run = await following();
  run.ctx.hook("setup", ({ tables }) => {
    for (const table of tables) table.targetName = `x-${table.targetName}`;
  });
  const was = TABLE.targetName;
  run.there.push(NEW);
  await run.newcomers!.look();
  expect(run.tables.map(({ targetName }) => targetName)).toEqual([was, "x-new"]);
});

test.concurrent("what isn't its own ends the run", async () => {
  await using run = await following({
    read: async function* ({ table }) {
      if (table.name === "new") throw new MigrationError("SOURCE_UNREACHABLE", "nobody answers");
      yield page([]);
    },
  });
  run.there.push(NEW);
  await run.newcomers!.look();
  await eventually(() => expect(run.ctx.signal.reason).toMatchObject({ code: "SOURCE_UNREACHABLE" }));
});

test.concurrent("one that was deleted before anybody looked is new when it is made anew; what plugins have taken out isn't", async () => {
  await using run = await following();
  const old = { ...TABLE, name: "old", targetName: "old" };
  trackTable(run.ctx.progress, old).state = "deleted";
  const asked: string[][] = [];
  run.ctx.role("source").newTables = async (known) => {
    asked.push([...known].sort());
    return [];
  };
  const { follower, readers, checkpoint } = run.parts;
  const listed = [TABLE, old, { ...TABLE, name: "taken out" }];
  const watch = watchNewcomers({ ctx: run.ctx, listed, tables: [TABLE], checkpoint, follower, readers })!;
  await watch.look();
  expect(asked).toEqual([["t", "taken out"]]);
  run.ctx.stop(new Error("enough"));
  await watch.stopped();
});

test.concurrent("in a pause nobody looks, and who has asked for it hears that", async () => {
  await using run = await following();
  const closing = run.ctx.gate.close();
  expect(await run.newcomers!.look()).toBe("failed");
  expect(run.asked).toEqual([]);
  closing.open();
  expect(await run.newcomers!.look()).toBe("looked");
  expect(run.asked).toEqual([["t"]]);
});

test.concurrent.each(["0", "1"])("looks come every so many seconds, and none with 0: %s", async (seconds) => {
  await using run = await following({}, { "increase.new_tables": seconds });
  expect(run.newcomers === undefined).toBe(seconds === "0");
  await sleep(1500);
  expect(run.asked.length).toBe(Number(seconds));
});
