/** What counts as growing. */
import { expect, test } from "bun:test";
import { judge } from "./verdict.ts";

const ALLOWED = { share: 0.1, more: 0 };
const hundred = (value: (at: number) => number): number[] =>
  Array.from({ length: 100 }, (_, at) => value(at));

test.each<[string, (at: number) => number, boolean]>([
  ["a flat line", () => 50, false],
  ["one that rises within the warm-up only", (at) => Math.min(at, 18) + 50, false],
  ["a saw", (at) => 50 + (at % 10) * 3, false],
  ["a single peak near the end", (at) => (at === 95 ? 500 : 50), false],
  ["one that falls", (at) => 200 - at, false],
  ["a slow leak", (at) => 50 + at * 0.2, true],
  ["a step after two thirds", (at) => (at < 66 ? 50 : 60), true],
])("%s", (_, value, grows) => {
  expect(judge({ name: "memory", values: hundred(value), allowed: ALLOWED }).grows).toBe(grows);
});

test("what is allowed beside a share counts for small numbers", () => {
  const values = hundred((at) => (at < 50 ? 10 : 12));
  const judged = (more: number): boolean =>
    judge({ name: "files", values, allowed: { share: 0, more } }).grows;
  expect([judged(1), judged(2)]).toEqual([true, false]);
});

test("where garbage is among what is counted, the least counts", () => {
  const values = hundred((at) => (at % 10 === 0 ? 50 : 50 + at));
  const judged = (least: boolean): boolean =>
    judge({ name: "timers", values, allowed: ALLOWED, least }).grows;
  expect([judged(true), judged(false)]).toEqual([false, true]);
});

test("too few values are no verdict", () => {
  expect(() => judge({ name: "memory", values: [1, 2], allowed: ALLOWED })).toThrow("too few");
});
