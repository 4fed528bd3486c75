/** Asking the running process to save how far it is with a table, for a comparison that waits for it. */
import type { Config } from "../../core/config/config.ts";
import { toMigrationError } from "../../core/errors.ts";
import { createSemaphore } from "../../core/flow/semaphore.ts";
import type { AskToNote } from "../../core/verify/follower.ts";
import { ask } from "./client.ts";
import { reachProcess } from "./find-process.ts";

const SECOND = 1000;
/** A process answers within so long, in ms. */
const PATIENCE = 3 * SECOND;
/** One that can't is left alone for so long, in ms. */
const QUIET = 60 * SECOND;
/** Connections at once; the process has few. */
const LANES = 2;

/**
 * Makes who asks the process of an id on this machine. One that isn't found, doesn't answer, or is too old for it has noted
 * nothing; nothing is thrown.
 *
 * @param patience how long an answer is waited for, in ms
 */
export function createNoteAsker(
  config: Config,
  log: { debug(message: string): void },
  patience: number = PATIENCE,
): AskToNote {
  const lanes = createSemaphore(LANES);
  let quietUntil = 0;

  async function asked(table: string, pid: number | undefined): Promise<boolean> {
    const here = await reachProcess(config);
    const socket = here ?? (pid === undefined ? undefined : await reachProcess(config, pid));
    // A comparison that is over waits for no answer.
    socket?.unref();
    if (socket === undefined) return false;
    for await (const answer of ask(socket, { verb: "note", table }, { first: patience })) {
      if (answer.type === "result" && answer.result.verb === "note") return answer.result.noted;
    }
    return false;
  }

  return (table, pid) =>
    lanes.run(async () => {
      if (performance.now() < quietUntil) return false;
      try {
        return await asked(table, pid);
      } catch (error) {
        quietUntil = performance.now() + QUIET;
        log.debug(`the run can't be asked how far it is, ${toMigrationError(error).message}`);
        return false;
      }
    });
}
