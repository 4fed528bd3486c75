/** The last warnings and errors of a log, for who looks at a run from outside. */
import type { Entry } from "./entry.ts";
import { shownText } from "./plain-text.ts";

/** A line that was logged. */
export interface RecentLine {
  /** ISO 8601. */
  time: string;
  level: "warn" | "error";
  message: string;
}

const MOST = 100;
/** A longer one is cut. */
const LONGEST = 2000;

/** Remembers the last hundred; secrets are hidden. */
export function recentLines(redact: (text: string) => string): {
  add(entry: Entry): void;
  lines(): readonly RecentLine[];
} {
  const lines: RecentLine[] = [];
  return {
    add({ level, date, message }) {
      if (level !== "warn" && level !== "error") return;
      lines.push({ time: date.toISOString(), level, message: shownText(message, redact).slice(0, LONGEST) });
      if (lines.length > MOST) lines.shift();
    },
    lines: () => lines,
  };
}
