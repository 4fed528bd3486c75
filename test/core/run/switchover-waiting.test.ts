/** What a switch-over says that it waits for. */
import { expect, test } from "bun:test";
import { createTeller, waitingText } from "../../../core/run/switchover-waiting.ts";
import { fakeProgress } from "../../fakes/progress.ts";

const of = (...states: ("waiting" | "done" | "following" | "copying")[]) =>
  fakeProgress(
    0,
    states.map((state, i) => ({ name: `t${i}`, state })),
  );

test.each([
  ["no table is known", of(), false, "the tables are being found"],
  ["some are copied", of("done", "copying", "waiting"), false, "1 of 3 tables copied"],
  ["nothing is copied", of("following", "waiting"), true, "1 of 2 tables followed"],
  ["all are", of("following", "done"), false, "the following begins"],
  ["it is paused", { ...of("copying"), paused: true }, false, "0 of 1 table copied; the run is paused"],
])("while %s", (_, progress, isOnlyFollowed, text) => {
  expect(waitingText({ stage: "copying", progress, isOnlyFollowed }).text).toBe(text);
});

test("while tables aren't at their tips: the first of them, and those that are copied again", () => {
  const progress = of("following", "copying", "following", "following", "following");
  const behind = [...progress.tables.keys()];
  expect(waitingText({ stage: "catching up", progress, behind })).toEqual({
    stage: "catching up",
    tables: behind,
    text: "not at the tip yet: t0, t1 (copied again), t2 and 2 more",
  });
});

test("it is told when it changes, and kept", () => {
  const told: string[] = [];
  const teller = createTeller(({ text }) => told.push(text));
  for (const text of ["a", "a", "b", "b", "a"]) teller.tell({ stage: "catching up", tables: [], text });
  expect([told, teller.last?.text]).toEqual([["a", "b", "a"], "a"]);
});
