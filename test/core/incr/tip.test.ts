/** When a shard counts as read to its tip. */
import { describe, expect, test } from "bun:test";
import { watchTip } from "../../../core/incr/tip.ts";
import type { StreamPage } from "../../../core/types.ts";
import { changed } from "../../fakes/streams.ts";

const NOW = 1_800_000_000_000;

/** An answer to a request sent so many ms after the beginning, with records made then. */
const answer = (at: number, tip = true, made: number[] = []): StreamPage => ({
  records: made.map((time, i) => changed(`k${i}`, i + 1, NOW + time)),
  bytes: 0,
  tip,
  ended: false,
  sentAt: NOW + at,
});

/** Whether the shard is at its tip after these answers. */
function settled(...answers: StreamPage[]): boolean {
  const watch = watchTip();
  for (const each of answers) watch.saw(each);
  return watch.settled !== undefined;
}

/** Two whole minutes, as DynamoDB Local rounds times. */
const minuteOf = (at: number): number => (at < 1000 ? -60_000 : 0);

const every = (step: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * step);

describe("a shard is at its tip", () => {
  test("after several answers over more than a second, as of the last one", () => {
    const watch = watchTip();
    for (const at of every(100, 20)) watch.saw(answer(at));
    expect(watch.settled).toBeUndefined();
    watch.saw(answer(2000));
    expect(watch.settled).toEqual({ from: NOW, at: NOW + 2000 });
  });

  test("while somebody writes", () => {
    expect(settled(...every(100, 30).map((at) => answer(at, true, [at - 90, at - 10])))).toBe(true);
  });

  test("not after one or two answers, however far apart", () => {
    expect(settled(answer(0), answer(60_000))).toBe(false);
  });

  test("not when an answer was full", () => {
    const answers = every(100, 30).map((at) => answer(at));
    answers[15] = answer(1500, false);
    expect(settled(...answers)).toBe(false);
  });

  test("not while answers bring a few records of many that are there", () => {
    const answers = every(100, 100).map((at) => answer(at, true, [-50]));
    for (let n = 1; n <= answers.length; n++) expect(settled(...answers.slice(0, n))).toBe(false);
  });

  test("not while such answers and empty ones take turns", () => {
    const answers = every(100, 100).map((at, i) => answer(at, true, i % 3 === 0 ? [-50] : []));
    for (let n = 1; n <= answers.length; n++) expect(settled(...answers.slice(0, n))).toBe(false);
  });

  test("not by an answer with records of a whole minute, which may have been there before", () => {
    const answers = every(100, 60).map((at) => answer(at, true, [minuteOf(at)]));
    for (let n = 1; n <= answers.length; n++) expect(settled(...answers.slice(0, n))).toBe(false);
    expect(settled(...answers, answer(6000))).toBe(true);
  });

  test("not by empty answers around one with a record of a whole minute: that is one of many, of any second", () => {
    const empty = [0, 2600, 2900].map((at) => answer(at));
    expect(settled(empty[0]!, answer(2500, true, [0]), ...empty.slice(1))).toBe(false);
    const more = [4000, 4400, 4600].map((at) => answer(at));
    expect(settled(empty[0]!, answer(2500, true, [0]), ...empty.slice(1), ...more)).toBe(true);
  });

  test("now and then, by records that have no time, too: a streams plugin may leave it out", () => {
    const watch = watchTip();
    let count = 0;
    for (const [i, at] of every(1000, 60).entries()) {
      const page = answer(at, true, i % 3 === 0 ? [at] : []);
      for (const record of page.records) delete record.time;
      watch.saw(page);
      if (watch.settled !== undefined) count++;
    }
    expect(count).toBeGreaterThan(0);
  });
});
