/** Times, durations and rates as a report has them. */
const SECOND = 1000;

/** A time in ms since 1970 in ISO 8601. */
export function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** From one time to another, both in ms; null: one of them isn't known. */
export function secondsBetween(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.max(0, to - from) / SECOND;
}

/** A second, with one decimal; null: nothing was done, or in no time. */
export function perSecond(count: number, seconds: number | null): number | null {
  return count <= 0 || !seconds ? null : Math.round((count / seconds) * 10) / 10;
}

/** Names in words, the first few of many: `a, b, c and 2 more`. */
export function named(names: readonly string[], most = 5): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return names.slice(0, most).join(", ") + more;
}
