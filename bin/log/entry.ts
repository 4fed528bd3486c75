/** What was logged, whoever logged it in whichever form: a moment, a level, a message, and what it is about. */
import { formatWithOptions } from "node:util";
import type { LogObject } from "consola";
import { MigrationError } from "../../core/errors.ts";
import { stacks } from "./stacks.ts";

const WARN = 1;
const DEBUG = 4;

/** What a line is about, by name: `table`, `shard`, `code` and others. */
export type Fields = Readonly<Record<string, unknown>>;

/** See the top of the file. */
export interface Entry {
  date: Date;
  level: "error" | "warn" | "info" | "debug";
  /** Who logged it; empty: nobody says. */
  tag: string;
  /** As it was said: whoever writes it hides secrets first, and makes it fit for a line then. May have several lines. */
  message: string;
  fields: Fields;
}

/** Consola's own members of what it hands to reporters; all others are what was logged beside a message. */
const CONSOLAS: ReadonlySet<string> = new Set([
  "level",
  "type",
  "tag",
  "date",
  "args",
  "title",
  "icon",
  "badge",
  "style",
]);

/**
 * What consola hands to a reporter, as an entry. `log.info({ message, table })` has fields, and so has a logged error:
 * its code and hint.
 *
 * @param withStacks errors show their stacks, those of their causes too
 */
export function entryOf(logged: LogObject, withStacks: boolean): Entry {
  const { level, date, tag, args } = logged as LogObject & { args: unknown[] };
  const error = args.find((arg) => arg instanceof Error);
  const own = Object.entries(logged).filter(([name]) => !CONSOLAS.has(name));
  const shown = args.map((arg) => (arg instanceof Error ? titleOf(arg) : arg));
  return {
    date,
    level: level <= 0 ? "error" : level === WARN ? "warn" : level < DEBUG ? "info" : "debug",
    tag,
    message: formatWithOptions({ colors: false }, ...shown),
    fields: { ...Object.fromEntries(own), ...(error && fieldsOf(error, withStacks)) },
  };
}

/** An error's own fields. */
export function fieldsOf(error: Error, withStacks: boolean): Fields {
  const { code, hint } = error instanceof MigrationError ? error : {};
  return {
    ...(code !== undefined && { code }),
    ...(hint !== undefined && { hint }),
    ...(withStacks && { stack: stacks(error).join("\n") }),
  };
}

function titleOf(error: Error): string {
  return error instanceof MigrationError ? error.message : `${error.name}: ${error.message}`;
}
