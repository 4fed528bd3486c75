/** A command's work with its log around it: what it fails with is said there, and nothing is lost at the end. */
import type { Setup } from "../setup.ts";
import { createLog, type Log, type LogOptions } from "./log.ts";

/**
 * Works with a log as the configuration asks for.
 *
 * @returns the exit code: the work's, or that of what it has failed with
 * @throws MigrationError CONFIG_INVALID when the log's file can't be written
 */
export async function inLog(
  { config, redact }: Pick<Setup, "config" | "redact">,
  options: Partial<Pick<LogOptions, "stream" | "words" | "tables" | "level" | "file">>,
  work: (output: Log) => Promise<number>,
): Promise<number> {
  const output = createLog({
    level: config["log.level"],
    format: config["log.format"],
    file: config["log.file"],
    buffer: config["log.buffer"],
    redact,
    ...options,
  });
  const release = output.isJson ? takeOver(output) : () => {};
  try {
    return await work(output);
  } catch (error) {
    return output.fail(error);
  } finally {
    release();
    await output.close();
  }
}

/**
 * The same for a command that looks at a run or speaks to it: it leaves the run's log file alone, and logs on standard error.
 */
export function besideLog(
  setup: Pick<Setup, "config" | "redact">,
  { level = setup.config["log.level"], words }: Partial<Pick<LogOptions, "level" | "words">>,
  work: (output: Log) => Promise<number>,
): Promise<number> {
  return inLog(setup, { level, file: "", stream: process.stderr, ...(words && { words }) }, work);
}

/** What a plugin, a library or the runtime prints would be no object: it is logged. Gives what ends that. */
function takeOver({ log }: Log): () => void {
  const warn = ({ name, message }: Error): void => log.warn(`${name}: ${message}`);
  // The runtime's own prints them.
  const before = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", warn);
  log.wrapConsole();
  return () => {
    log.restoreConsole();
    process.off("warning", warn);
    for (const listener of before) process.on("warning", listener);
  };
}
