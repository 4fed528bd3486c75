/** What needn't wait for each other is asked at the same time: far servers take their time for each answer. */
import { expect, test } from "bun:test";
import type { Checkpoint, Target } from "../../../core/plugin/roles.ts";
import { memoryCheckpoint, memoryTarget } from "../../fakes/context.ts";
import { runOneTable } from "../../fakes/one-table-run.ts";

/** Who isn't asked within so long isn't asked before the other one has answered, in ms. */
const WITHIN = 2_000;

/** A call of each kind waits for the other; `met` says whether they were both on their way at once. */
function meeting(): { come: (who: string) => Promise<void>; met: () => boolean } {
  const there = new Set<string>();
  const both = Promise.withResolvers<void>();
  return {
    async come(who) {
      there.add(who);
      if (there.size === 2) both.resolve();
      await Promise.race([both.promise, Bun.sleep(WITHIN)]);
      if (there.size < 2) there.add("late");
    },
    met: () => there.size === 2 && !there.has("late"),
  };
}

/** What takes long to be indexed, in bytes. */
const LARGE = 2 * 1024 ** 3;

async function run(target: Partial<Target>, checkpoint: Checkpoint, bytes?: number): Promise<void> {
  expect(await runOneTable({ target, checkpoint }, undefined, bytes)).toMatchObject({
    state: "done",
    written: 2,
  });
}

/** A checkpoint that is told of before each save. */
function saving(before: (name: string, parts: ReadonlyMap<string, unknown>) => Promise<void>): Checkpoint {
  const checkpoint = memoryCheckpoint();
  const { save } = checkpoint;
  checkpoint.save = async (name, parts) => {
    await before(name, parts);
    await save.call(checkpoint, name, parts);
  };
  return checkpoint;
}

const stageIn = (parts: ReadonlyMap<string, unknown>): unknown =>
  (parts.get("table") as { stage?: string } | undefined)?.stage;

test("the run and its tables are read from the checkpoint", async () => {
  const { come, met } = meeting();
  const checkpoint = memoryCheckpoint();
  const { load } = checkpoint;
  const asked = new Set<string>();
  checkpoint.load = async (name) => {
    // Later on each is read by itself.
    if (["run", "table:a"].includes(name) && !asked.has(name)) await come(name);
    asked.add(name);
    return load(name);
  };
  await run({}, checkpoint);
  expect(met()).toBe(true);
});

test("documents are counted while the last position is saved", async () => {
  const { come, met } = meeting();
  const checkpoint = saving(async (_, parts) => {
    if (parts.has("0")) await come("save");
  });
  const target = memoryTarget();
  await run(
    {
      ...target,
      async count(table, signal) {
        await come("count");
        return target.count(table, signal);
      },
    },
    checkpoint,
  );
  expect(met()).toBe(true);
});

test("indexes of a small table are built while its documents are counted", async () => {
  const { come, met } = meeting();
  const target = memoryTarget();
  await run(
    {
      ...target,
      async count(table, signal) {
        await come("count");
        return target.count(table, signal);
      },
      async index(_table, indexes) {
        await come("index");
        return indexes.length;
      },
    },
    memoryCheckpoint(),
  );
  expect(met()).toBe(true);
});

test("indexes of a large table aren't built before it is known that all is there", async () => {
  let isBuilt = false;
  const index: Target["index"] = async () => {
    isBuilt = true;
    return 1;
  };
  const failing = run({ index, count: async () => 1 }, memoryCheckpoint(), LARGE);
  await expect(failing).rejects.toThrow("1 of 2 documents are missing");
  expect(isBuilt).toBe(false);
});

test("indexes are built while it is noted that they are", async () => {
  const { come, met } = meeting();
  const checkpoint = saving(async (_, parts) => {
    if (stageIn(parts) === "indexing") await come("save");
  });
  await run(
    {
      async index(_table, indexes) {
        await come("index");
        return indexes.length;
      },
    },
    checkpoint,
    LARGE,
  );
  expect(met()).toBe(true);
});

test("who can't note that indexes are built doesn't wait for them", async () => {
  const checkpoint = saving(async (_, parts) => {
    if (stageIn(parts) === "indexing") throw new Error("the disk is full");
  });
  const index: Target["index"] = (_table, _indexes, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  await expect(run({ index }, checkpoint, LARGE)).rejects.toThrow("the disk is full");
});
