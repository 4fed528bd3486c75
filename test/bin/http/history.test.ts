/** A run's past in bounded memory. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { coarsen, createHistory } from "../../../bin/http/history.ts";
import type { LivePoint } from "../../../bin/http/live.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START = Date.parse("2026-11-23T21:00:00Z");

function point(at: number, more: Partial<LivePoint> = {}): LivePoint {
  return { at, span: 1, items: 10, changes: 2, bytes: 0, units: 0, behind: 0.5, ...more };
}

function filled(ms: number, step = SECOND): readonly LivePoint[] {
  const history = createHistory();
  for (let at = START; at <= START + ms; at += step) history.add(point(at, { span: step / SECOND }));
  return history.points();
}

test("the last five minutes keep every second, the hour before ten, the day before minutes", () => {
  const points = filled(3 * HOUR);
  const end = START + 3 * HOUR;
  const between = (from: number, to: number): number =>
    points.filter(({ at }) => end - at >= from && end - at < to).length;
  expect(between(0, 4 * MINUTE)).toBe(240);
  expect(between(10 * MINUTE, 50 * MINUTE)).toBe(240);
  expect(between(70 * MINUTE, 170 * MINUTE)).toBe(100);
});

test("it never grows beyond some thousands, and forgets what is older than a week", () => {
  const points = filled(8 * 24 * HOUR, 20 * SECOND);
  expect(points.length).toBeLessThan(3000);
  const days = (points.at(-1)!.at - points[0]!.at) / (24 * HOUR);
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7.1);
});

test("a stretch of several points has their mean, and the most that it was behind", () => {
  const history = createHistory();
  for (let second = 0; second < 10; second++) {
    const behind = second === 3 ? 42 : second === 4 ? null : 0.5;
    history.add(point(START + second * SECOND, { items: second, behind }));
  }
  for (let minute = 10; minute < 40; minute++) history.add(point(START + minute * MINUTE));
  const [first] = history.points();
  expect(first).toEqual(point(START + 9 * SECOND, { span: 10, items: 4.5, behind: 42 }));
});

test("nothing is counted twice or lost: rates times their time is what was done", () => {
  const points = filled(2 * HOUR);
  const done = points.reduce((sum, { items, span }) => sum + items * span, 0);
  expect(done).toBeCloseTo(10 * (2 * 60 * 60 + 1), 3);
});

test("it goes on from points that it is given, and leaves them as they are", () => {
  const before = [point(START), point(START + SECOND)];
  const history = createHistory(before);
  history.add(point(START + 2 * SECOND));
  expect(before).toHaveLength(2);
  expect(history.points()).toHaveLength(3);
});

test("a plot gets what it has room for: means of steps", () => {
  const points = [0, 1, 2, 3].map((second) => point(START + second * SECOND, { items: second }));
  expect(coarsen(points, 2 * SECOND).map(({ at, items }) => [at - START, items])).toEqual([
    [SECOND, 0.5],
    [3 * SECOND, 2.5],
  ]);
  expect(coarsen(points, SECOND / 2)).toEqual(points);
});

test("what comes again is there once, and a clock that is set back begins where it is", () => {
  const history = createHistory([point(START), point(START + SECOND)]);
  history.add(point(START + SECOND, { items: 11 }));
  expect(history.points().map(({ items }) => items)).toEqual([10, 11]);
  history.add(point(START - SECOND));
  history.add(point(START));
  expect(history.points().map(({ at }) => at)).toEqual([START - SECOND, START]);
});
