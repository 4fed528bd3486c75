/** A log whose warnings are heard, whatever its level shows of them. */
import { createConsola, type ConsolaInstance, type LogObject } from "consola";

const WARN = 1;
const ALL = 5;
/** What is said of a call that is made again is no news of the plan: what it fails with in the end is. */
const RETRY = /, trying again: |; again in \d+ ms$/;

/**
 * Makes it.
 *
 * @param log gets everything; undefined: nobody does
 */
export function listeningLog(
  log: ConsolaInstance | undefined,
  onWarning: (warning: string) => void,
): ConsolaInstance {
  const reporter = {
    log(entry: LogObject): void {
      const text = entry.args.map(String).join(" ");
      if (entry.level === WARN && !RETRY.test(text)) onWarning(text);
      else (log?.[entry.type] as ((...args: unknown[]) => void) | undefined)?.(...(entry.args as unknown[]));
    },
  };
  return createConsola({ level: ALL, throttle: 0, reporters: [reporter] });
}
