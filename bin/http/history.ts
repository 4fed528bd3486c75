/** A run's past in bounded memory: the older a point is, the longer the stretch that it stands for. */
import type { LivePoint } from "./live.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Up to which age points stand for at least how long, in ms; what is older than the last is forgotten. */
const STEPS = [
  { age: 5 * MINUTE, step: SECOND },
  { age: HOUR, step: 10 * SECOND },
  { age: 24 * HOUR, step: MINUTE },
  { age: 7 * 24 * HOUR, step: 10 * MINUTE },
] as const;
/** So many points come before the old ones are looked through again. */
const THIN_EVERY = 30;

/** See the top of the file. */
export interface History {
  /** Takes the newest point; what is not older than it is forgotten. */
  add(point: LivePoint): void;
  /** The oldest first: about 3,000 at most. */
  points(): readonly LivePoint[];
}

/** A history that begins with these points, the oldest first. */
export function createHistory(before: readonly LivePoint[] = []): History {
  let points = [...before];
  let since = 0;
  return {
    add(point) {
      // What was told already comes again now and then, and a clock may be set back.
      while ((points.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= point.at) points.pop();
      points.push(point);
      since++;
      if (since < THIN_EVERY) return;
      since = 0;
      points = thin(points, point.at);
    },
    points: () => points,
  };
}

/** As many points as a plot has room for: neighbours of one step, in ms, become one. */
export function coarsen(points: readonly LivePoint[], step: number): LivePoint[] {
  return inSteps(points, () => step);
}

/** What was thin already stays as it is. */
function thin(points: readonly LivePoint[], now: number): LivePoint[] {
  return inSteps(points, ({ at }) => STEPS.find(({ age }) => now - at <= age)?.step);
}

/** Neighbours that fall into one step become one; without a step a point is left out. */
function inSteps(
  points: readonly LivePoint[],
  stepOf: (point: LivePoint) => number | undefined,
): LivePoint[] {
  const kept: LivePoint[] = [];
  for (const point of points) {
    const step = stepOf(point);
    if (step === undefined) continue;
    const last = kept.at(-1);
    const isSame = last !== undefined && Math.floor(last.at / step) === Math.floor(point.at / step);
    if (isSame) kept[kept.length - 1] = merge(last, point);
    else kept.push(point);
  }
  return kept;
}

function merge(first: LivePoint, second: LivePoint): LivePoint {
  const span = first.span + second.span;
  const mean = (name: "items" | "changes" | "bytes" | "units"): number =>
    span > 0 ? (first[name] * first.span + second[name] * second.span) / span : 0;
  const behind = [first.behind, second.behind].filter((value) => value !== null);
  return {
    at: second.at,
    span,
    items: mean("items"),
    changes: mean("changes"),
    bytes: mean("bytes"),
    units: mean("units"),
    behind: behind.length > 0 ? Math.max(...behind) : null,
  };
}
