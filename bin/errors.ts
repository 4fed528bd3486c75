/** How a run's last word looks when it failed. */
import { redactText } from "../core/config/redact.ts";
import { toMigrationError } from "../core/errors.ts";

/** What {@link printError} takes. */
export interface PrintErrorOptions {
  /** Also prints the stack, with those of its causes. */
  debug: boolean;
  /** Hides secrets. */
  redact?: (text: string) => string;
  stream?: { write(text: string): unknown };
}

/**
 * Prints any thrown value as `error [CODE] what happened: where`, with its hint on a line of its own.
 * Gives the exit code.
 */
export function printError(
  error: unknown,
  { debug, redact = redactText, stream = process.stderr }: PrintErrorOptions,
): number {
  const failure = toMigrationError(error);
  const lines = [`error [${failure.code}] ${failure.message}`];
  if (failure.hint) lines.push(`hint: ${failure.hint}`);
  if (debug) lines.push(...stacks(failure));
  stream.write(`${redact(lines.join("\n"))}\n`);
  return failure.exit;
}

/** The stacks from the outermost error to the first cause; a cause that comes round again ends it. */
function stacks(error: Error): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let link: unknown = error; link !== undefined && !seen.has(link); link = causeOf(link)) {
    seen.add(link);
    const text = link instanceof Error ? (link.stack ?? `${link.name}: ${link.message}`) : String(link);
    lines.push(link === error ? text : `caused by ${text}`);
  }
  return lines;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
