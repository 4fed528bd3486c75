/** What of an older version's run, which had no identifier, is gone on with. */
import { describe, expect, test } from "bun:test";
import { fingerprint } from "../../../core/checkpoint/fingerprint.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import type { TableState } from "../../../core/checkpoint/run-state.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { Checkpoint } from "../../../core/plugin/roles.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { fakeStreams, noted, streamContext, TABLE } from "../../fakes/streams.ts";

const HOUR = 3_600_000;
const ROW: ShardNote = { id: "s", status: "waiting", position: { at: "horizon" } };

/** The state that a table begins with under a run that began at this time, in ms. */
async function stateOf(
  checkpoint: Checkpoint,
  mode: string,
  startedAt: number,
): Promise<TableState | undefined> {
  const settings = { sync_mode: mode };
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint, settings });
  const run = {
    settings: fingerprint(ctx.config, ctx.sameOptions),
    startedAt: new Date(startedAt).toISOString(),
  };
  await checkpoint.save("run", new Map([["run", run]]));
  return (await openCheckpoint(ctx, [TABLE], false)).table(TABLE).state;
}

describe("a table of which an older version noted positions alone", () => {
  test.each(["full", "all", "incr"])("is followed, if they are the run's, with %s", async (mode) => {
    const checkpoint = noted([ROW], { s: Date.now() });
    expect(await stateOf(checkpoint, mode, Date.now() - HOUR)).toMatchObject({ stage: "done", units: 0 });
  });

  test.each(["full", "all"])("is copied with %s, if an earlier run has left them", async (mode) => {
    const checkpoint = noted([ROW, { ...ROW, id: "later" }], { s: Date.now() - HOUR, later: Date.now() });
    expect(await stateOf(checkpoint, mode, Date.now() - HOUR / 2)).toBeUndefined();
  });

  test("goes on with incr from what an earlier run has left: from now would be later", async () => {
    const checkpoint = noted([ROW], { s: Date.now() - HOUR });
    expect(await stateOf(checkpoint, "incr", Date.now())).toMatchObject({ stage: "done", units: 0 });
  });
});

test("full of an older version goes on where another id owns NimoShake's place", async () => {
  const checkpoint = memoryCheckpoint();
  const { load } = checkpoint;
  checkpoint.load = async (name) => {
    if (name.startsWith("shards:")) throw new MigrationError("CHECKPOINT_MISMATCH", "it is of another id");
    return load(name);
  };
  expect(await stateOf(checkpoint, "full", Date.now())).toBeUndefined();
});

test("a list of what is kept that can't be read, of a table that isn't migrated any more, say, keeps no start from going on", async () => {
  const checkpoint = memoryCheckpoint();
  await checkpoint.save(
    "table:other",
    new Map([["table", { stage: "done", targetName: "other", units: 1 }]]),
  );
  checkpoint.list = async () => {
    throw new MigrationError("CHECKPOINT_MISMATCH", "the state of table other is damaged");
  };
  expect(await stateOf(checkpoint, "full", Date.now())).toBeUndefined();
});
