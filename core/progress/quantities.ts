/** How times, durations, figures and names look wherever a run is told about. */
const SECOND = 1000;

/** A time in ms since 1970 in ISO 8601; null: there is none. */
export function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** A duration in ms as seconds. */
export function inSeconds(ms: number): number {
  return Math.round(ms) / SECOND;
}

/** With one decimal. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The first names, and how many more there are: `a, b, c and 2 more`. */
export function fewOf(names: readonly string[], most = 5): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return names.slice(0, most).join(", ") + more;
}
