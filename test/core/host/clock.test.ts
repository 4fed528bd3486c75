/** What is believed of a clock that is set. */
import { expect, test } from "bun:test";
import { createBelief } from "../../../core/host/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Times in minutes; gives what is believed of the clock's time after so many minutes, with what it is ahead by then. */
function believing(): (after: number, ahead: number) => number {
  let [steady, ahead] = [0, 0];
  const wall = (): number => 1000 * HOUR + steady + ahead;
  const believed = createBelief(wall, () => steady);
  return (after, by) => {
    [steady, ahead] = [after * MINUTE, by * HOUR];
    return (believed(wall()) - 1000 * HOUR) / MINUTE;
  };
}

test("a clock that jumps ahead and back is believed before and after, and not meanwhile", () => {
  const at = believing();
  expect([at(1, 0), at(2, 25), at(3, 25), at(4, 0), at(5, 0)]).toEqual([1, 2, 3, 4, 5]);
});

test("one that goes on from where it was set, or a machine that slept, is believed after ten minutes", () => {
  const at = believing();
  expect([at(1, 25), at(6, 25), at(10, 25)]).toEqual([1, 6, 10]);
  expect(at(12, 25)).toBe(12 + 25 * 60);
});

test("one that is set back is taken as it is: what is too early hides nothing", () => {
  const at = believing();
  expect(at(1, -2)).toBe(1 - 120);
});

test("clocks that are corrected by minutes are no matter", () => {
  const at = believing();
  expect([at(1, 0.1), at(2, 0.2), at(3, 0.3)]).toEqual([7, 14, 21]);
});
