/** SIGINT and SIGTERM: the first asks for a clean stop, the second ends the process. */
import { constants } from "node:os";
import type { ConsolaInstance } from "consola";
import { MigrationError } from "../core/errors.ts";

/** What asks a run to stop. */
export interface Stop {
  signal: AbortSignal;
  /** The signal that came, when in ms since 1970, and the exit code that a shell expects then. */
  readonly stopped: { name: string; at: number; exit: number } | undefined;
}

/** Aborts on the first SIGINT or SIGTERM; the second ends the process. */
export function stopSignal(cleanup: AsyncDisposableStack, log: ConsolaInstance): Stop {
  const stop = new AbortController();
  let stopped: Stop["stopped"];
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const exit = 128 + constants.signals[name];
    const listener = (): void => {
      if (stopped !== undefined) process.exit(exit);
      stopped = { name, at: Date.now(), exit };
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
  };
}
