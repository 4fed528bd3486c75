/** The last line of a run that a signal stopped: where it stands. */
import { isCopied, type Progress } from "../../core/progress/progress.ts";
import { streamLag, switchable } from "../../core/progress/stream-progress.ts";
import { formatDuration } from "../format.ts";

/** Tables that are named; of more there is the number. */
const MOST_NAMED = 3;
const AGAIN = "start it again in the same way: it goes on where it stopped";

/**
 * @param signal its name
 * @param at when it came, in ms since 1970
 */
export function stoppedText(progress: Progress, signal: string, at: number): string {
  const tables = [...progress.tables.values()];
  const copied = tables.filter(isCopied).length;
  if (copied < tables.length)
    return `stopped by ${signal}, ${copied} of ${tables.length} ${tables.length === 1 ? "table" : "tables"} copied; ${AGAIN}`;
  if (tables.length === 0) return `stopped by ${signal} before the first table; ${AGAIN}`;
  const { good, behind } = switchable(progress, at);
  if (good) return `stopped at the tip by ${signal}: all changes that were made before are applied; ${AGAIN}`;
  const named = behind.slice(0, MOST_NAMED).map((name) => {
    const { stream } = progress.tables.get(name)!;
    const lag = stream && streamLag(stream, at);
    return lag === undefined ? `${name} not caught up` : `${name} ${formatDuration(lag)} behind`;
  });
  const more = behind.length > MOST_NAMED ? ` and ${behind.length - MOST_NAMED} more` : "";
  return `stopped by ${signal}, not at the tip: ${named.join(", ")}${more}; ${AGAIN}`;
}
