/** What is waited for, as lines: when it changes, and about every five seconds. */
import { formatDuration } from "../format.ts";

const SECOND = 1000;
/** What changes all the time is told so often. */
const PAUSE = SECOND;
const REPEAT = 5 * SECOND;

/** See the top of the file. */
export interface WaitingLines {
  tell(text: string): void;
  stop(): void;
}

/** Begins to count the time. */
export function createWaitingLines(say: (line: string) => void): WaitingLines {
  const began = Date.now();
  let latest: string | undefined;
  let said: { text: string; at: number } | undefined;

  function look(): void {
    if (latest === undefined) return;
    const now = Date.now();
    const since = said === undefined ? Number.POSITIVE_INFINITY : now - said.at;
    if (since < (latest === said?.text ? REPEAT : PAUSE)) return;
    said = { text: latest, at: now };
    const waited = now - began;
    say(`waiting: ${latest}${waited < SECOND ? "" : ` (${formatDuration(waited)})`}`);
  }

  const timer = setInterval(look, PAUSE / 2);
  return {
    tell(text) {
      if (text === "") return;
      latest = text;
      look();
    },
    stop: () => clearInterval(timer),
  };
}
