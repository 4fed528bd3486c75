/**
 * What ends a command before its end: SIGINT and SIGTERM, of which the first asks for a clean stop and the second ends the
 * process, and errors that nobody catches, such as a plugin's timer throws.
 */
import { constants } from "node:os";
import type { ConsolaInstance } from "consola";
import { MigrationError, toMigrationError } from "../core/errors.ts";

/** What asks a run to stop. */
export interface Stop {
  signal: AbortSignal;
  /** The signal that came, when in ms since 1970, and the exit code that a shell expects then. */
  readonly stopped: { name: string; at: number; exit: number } | undefined;
  /** What nobody caught; then the signal has aborted with it, or with what came before. */
  readonly failure: MigrationError | undefined;
}

/** Aborts on the first SIGINT or SIGTERM, and with the first error that nobody catches; all of these are logged. */
export function stopSignal(cleanup: AsyncDisposableStack, log: ConsolaInstance): Stop {
  const stop = new AbortController();
  let stopped: Stop["stopped"];
  let failure: MigrationError | undefined;
  let isAsked = false;
  const uncaught = (error: unknown): void => {
    const defect = uncaughtError(error);
    log.error(defect);
    failure ??= defect;
    stop.abort(failure);
  };
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, uncaught);
    cleanup.defer(() => void process.off(event, uncaught));
  }
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const exit = 128 + constants.signals[name];
    const listener = (): void => {
      if (isAsked) process.exit(exit);
      isAsked = true;
      // An error that came first is what it ends with.
      if (failure === undefined) stopped = { name, at: Date.now(), exit };
      log.info(`${name}: finishing what is being written; a second one ends it at once`);
      stop.abort(new MigrationError("INTERRUPTED", `${name} stopped the run`, { exit }));
    };
    process.on(name, listener);
    cleanup.defer(() => void process.off(name, listener));
  }
  return {
    signal: stop.signal,
    get stopped() {
      return stopped;
    },
    get failure() {
      return failure;
    },
  };
}

function uncaughtError(error: unknown): MigrationError {
  const { message, code } = toMigrationError(error);
  return new MigrationError(
    "INTERNAL",
    `nobody caught an error${code === "INTERNAL" ? "" : ` [${code}]`}: ${message}`,
    {
      cause: error,
      hint: "mostly it is of a plugin's timer or promise: --set log.level=debug shows the stack; start it again then, and it goes on where it stopped",
    },
  );
}
