/** What is kept of a table's units when it is copied again and again. */
import { expect, test } from "bun:test";
import { openCheckpoint } from "../../../core/checkpoint/run-checkpoint.ts";
import type { SegmentUnit } from "../../../core/types.ts";
import { memoryCheckpoint } from "../../fakes/context.ts";
import { fakeStreams, streamContext, TABLE } from "../../fakes/streams.ts";

const UNITS: SegmentUnit[] = [0, 1].map((segment) => ({ phase: "full", table: TABLE, segment, segments: 2 }));
const states = new Map(UNITS.map((unit) => [unit, { read: 5, filtered: 0, overflowed: 0, bytes: 500 }]));

test("the units of a round before are gone when another one begins, in this process and in the next one", async () => {
  const checkpoint = memoryCheckpoint();
  const parts = (): string[] => [...checkpoint.states.get(`table:${TABLE.name}`)!.keys()].sort();
  await using ctx = await streamContext({ streams: fakeStreams(), checkpoint });
  const run = await openCheckpoint(ctx, [TABLE], false);
  await run.begin([]);
  const first = run.table(TABLE);
  await first.advance({ stage: "copying", targetName: "t", units: 2 });
  await first.saveUnits(states);
  expect(parts()).toEqual(["0", "1", "table"]);
  await first.advance({ stage: "copying", round: 1 });
  expect(parts()).toEqual(["table"]);
  await first.saveUnits(states);
  await first.advance({ stage: "done" });
  expect(parts()).toEqual(["1.0", "1.1", "table"]);

  const next = (await openCheckpoint(ctx, [TABLE], false)).table(TABLE);
  expect(next.unit(UNITS[1]!)).toMatchObject({ read: 5 });
  await next.advance({ stage: "copying", round: 2 });
  expect(parts()).toEqual(["table"]);
  expect(next.unit(UNITS[1]!)).toBeUndefined();
});
