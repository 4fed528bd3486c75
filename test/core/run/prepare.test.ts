/** What comes before the first item: both sides are connected early, and what an older run has left is forgotten. */
import { expect, test } from "bun:test";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { runOneTable as run } from "../../fakes/one-table-run.ts";

test("target and checkpoint connect while the source is asked for its tables", async () => {
  const connected = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const [target, checkpoint] = connected.map(({ resolve }) => ({ connect: async () => resolve() }));
  // The source doesn't answer before.
  const both = Promise.all(connected.map(({ promise }) => promise));
  const counters = await run({ target, checkpoint: { ...memoryCheckpoint(), ...checkpoint } }, () => both);
  expect(counters).toMatchObject({ state: "done", written: 2 });
});

test.each<[string, () => Promise<void>]>([
  ["rejects", () => Promise.reject(new Error("not yet"))],
  [
    "throws",
    () => {
      throw new Error("not yet");
    },
  ],
  ["never answers", () => new Promise(() => {})],
])("an early connect that %s is nobody's business: the calls that need it tell", async (_, connect) => {
  expect(await run({ target: { connect } })).toMatchObject({ state: "done", written: 2 });
});

test("what an older run has kept of a table is forgotten, and nothing is where there is none", async () => {
  const checkpoint = memoryCheckpoint();
  const forgotten: string[] = [];
  const { clear } = checkpoint;
  checkpoint.clear = (name) => {
    forgotten.push(name);
    return clear(name);
  };
  await run({ checkpoint });
  expect(forgotten).not.toContain("table:a");
  // A finished copy is started again: its position of the segment must not count.
  expect(await run({ checkpoint })).toMatchObject({ read: 2, resumed: 0 });
  expect(forgotten).toContain("table:a");
});
