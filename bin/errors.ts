/** How a run's last word looks when it failed. */
import { redactText } from "../core/config/redact.ts";
import { type MigrationError, toMigrationError } from "../core/errors.ts";
import { type Entry, fieldsOf } from "./log/entry.ts";
import { type LogFormat, lineWriter } from "./log/line.ts";
import { oneLine, shownText } from "./log/plain-text.ts";
import { stacks } from "./log/stacks.ts";

/** What {@link printError} takes. */
export interface PrintErrorOptions {
  /** Also prints the stack, with those of its causes. */
  debug: boolean;
  /** Default: text. */
  format?: LogFormat;
  /** Hides secrets. */
  redact?: (text: string) => string;
  /** Whether the run has a table of that name. */
  isTable?: (name: string) => boolean;
  stream?: { write(text: string): unknown };
}

/**
 * Prints any thrown value as `error [CODE] what happened: where`, with its hint on a line of its own; in JSON as one
 * object. Gives the exit code.
 */
export function printError(error: unknown, options: PrintErrorOptions): number {
  const { debug, format = "text", redact = redactText, isTable, stream = process.stderr } = options;
  const failure = toMigrationError(error);
  if (format === "json") {
    const write = lineWriter({ format, redact, ...(isTable && { isTable }) });
    stream.write(write(failureEntry(failure, { debug, redact })));
  } else stream.write(`${failureLines(failure, { debug, redact }).join("\n")}\n`);
  return failure.exit;
}

/** How a failure is told. */
type Telling = Required<Pick<PrintErrorOptions, "debug" | "redact">>;

/** One line for what happened and one for the hint, whatever is in them; then the stacks, if they are wanted. */
export function failureLines(failure: MigrationError, { debug, redact }: Telling): string[] {
  return [
    `error [${failure.code}] ${oneLine(redact(failure.message))}`,
    ...(failure.hint ? [`hint: ${oneLine(redact(failure.hint))}`] : []),
    ...(debug ? stacks(failure).map((stack) => shownText(stack, redact)) : []),
  ];
}

/** The same as an entry of a log for programs. */
export function failureEntry(failure: MigrationError, { debug, redact }: Telling): Entry {
  const message = oneLine(redact(failure.message));
  return { date: new Date(), level: "error", tag: "", message, fields: fieldsOf(failure, debug) };
}
