/** The last line of a run that a signal stopped: where it stands. */
import { isCopied, type Progress } from "../../core/progress/progress.ts";
import { fewOf } from "../../core/progress/quantities.ts";
import { appliedUntil, streamLag, switchable } from "../../core/progress/stream-progress.ts";
import { formatDuration, formatTime } from "../format.ts";

const SECOND = 1000;
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
  const until = appliedUntil(progress);
  if (good && until !== undefined)
    return `stopped at the tip by ${signal}: all changes made until ${formatTime(new Date(until))} are applied; ${AGAIN}`;
  const named = behind.map((name) => {
    const { stream } = progress.tables.get(name)!;
    const lag = stream && streamLag(stream, at);
    if (lag === undefined) return `${name} not caught up`;
    return `${name} ${lag < SECOND ? "less than a second" : formatDuration(lag)} behind`;
  });
  return `stopped by ${signal}, not at the tip: ${fewOf(named, MOST_NAMED)}; ${AGAIN}`;
}
