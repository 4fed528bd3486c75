/** The last warnings and errors of a log, for who looks at a run from outside. */
import { formatWithOptions, stripVTControlCharacters } from "node:util";
import type { ConsolaReporter } from "consola";

const WARN = 1;

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

/** Remembers the last hundred. */
export function recentLines(redact: (text: string) => string = (text) => text): {
  reporter: ConsolaReporter;
  lines(): readonly RecentLine[];
} {
  const lines: RecentLine[] = [];
  return {
    reporter: {
      log({ level, date, args }) {
        if (level > WARN) return;
        const shown = args.map((arg: unknown) => (arg instanceof Error ? arg.message : arg));
        const text = redact(stripVTControlCharacters(formatWithOptions({ colors: false }, ...shown)));
        lines.push({
          time: date.toISOString(),
          level: level === WARN ? "warn" : "error",
          message: text.slice(0, LONGEST),
        });
        if (lines.length > MOST) lines.shift();
      },
    },
    lines: () => lines,
  };
}
