/** Durations and rates as a report has them. */
import { rounded } from "../progress/quantities.ts";
import type { Timed } from "../progress/stage-times.ts";

const SECOND = 1000;

/** From one time to another, both in ms; null: one of them isn't known. */
export function secondsBetween(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.max(0, to - from) / SECOND;
}

/** A second, with one decimal; null: nothing was done, or in no time. */
export function perSecond(count: number, seconds: number | null): number | null {
  return count <= 0 || !seconds ? null : rounded(count / seconds);
}

/** Where time went, in seconds. */
export interface StageSeconds {
  fetchSeconds: number;
  convertSeconds: number;
  writeSeconds: number;
}

/** Null: nothing was counted. */
export function stageSeconds({ times }: Timed): StageSeconds | null {
  if (times === undefined) return null;
  const seconds = (ms: number): number => Math.round(ms) / SECOND;
  return {
    fetchSeconds: seconds(times.fetchMs),
    convertSeconds: seconds(times.convertMs),
    writeSeconds: seconds(times.writeMs),
  };
}
