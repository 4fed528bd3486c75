/** Numbers and states in words, as the terminal has them. */
import { formatCount, formatDuration, formatShort } from "../format.ts";
import type { RunStatus, TableStatus } from "../../core/progress/run-status.ts";

const SECOND = 1000;
/** So far behind is worth a look, in seconds. */
export const BEHIND = 10;

/** How something is, for its mark: each has a shape and a colour of its own. */
export type Kind = "good" | "busy" | "wait" | "warn" | "bad";

/** A duration in seconds: `0.4 s`, `1h 3m`. */
export function duration(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : formatDuration(seconds * SECOND);
}

/** A rate: `18,200`, `3.4`. */
export function rate(perSecond: number): string {
  return formatCount(perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond));
}

/** A share from 0 to 1, never above 99 % before the end. */
export function percent(share: number): string {
  return `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))}%`;
}

/** `1 retry`, `12 retries`. */
export function count(number: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(number)} ${number === 1 ? one : many}`;
}

/** The first names, and how many more there are. */
export function someOf(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(", ")} and ${formatCount(more)} more` : names.join(", ");
}

/** Done of expected, an estimate: `1.2M of ~4M`. */
export function countOf(done: number, expected: number): string {
  return expected > done ? `${formatShort(done)} of ~${formatShort(expected)}` : formatCount(done);
}

/** What a run is at. */
export function phaseOf({ phase, paused, lastError }: RunStatus): string {
  if (lastError !== null) return "Failed";
  if (paused) return "Paused";
  if (phase === "starting") return "Starting";
  if (phase === "full") return "Copying";
  if (phase === "incr") return "Following";
  return "Done";
}

/** How a table is, and how much it wants to be looked at: 0 the most. */
export function stateOf(table: TableStatus, isRetrying: boolean): { text: string; kind: Kind; rank: number } {
  const { state, stream, share } = table;
  if (state === "deleted") return { text: "deleted at the source", kind: "wait", rank: 7 };
  if (state === "failed") return { text: "failed", kind: "bad", rank: 0 };
  if (isRetrying) return { text: `${state}, trying again`, kind: "warn", rank: 1 };
  if (state === "following" && stream !== null) {
    if (stream.shards.length === 0 && stream.waiting.length === 0)
      return { text: "following", kind: "busy", rank: 5 };
    if (stream.lagSeconds === null) return { text: "catching up", kind: "busy", rank: 2 };
    if (stream.lagSeconds > BEHIND) return { text: "behind", kind: "warn", rank: 2 };
    return { text: "up to date", kind: "good", rank: 6 };
  }
  if (state === "copying")
    return { text: share === null ? "copying" : `copying, ${percent(share)}`, kind: "busy", rank: 3 };
  if (state === "indexing") {
    const built = table.indexShare === null ? "" : `, ${percent(table.indexShare)}`;
    return { text: `indexing${built}`, kind: "busy", rank: 4 };
  }
  return state === "waiting"
    ? { text: "waiting", kind: "wait", rank: 5 }
    : { text: "copied", kind: "good", rank: 6 };
}
