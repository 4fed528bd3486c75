/** What a switch-over waits for, in words. */
import { isCopied, type Progress } from "../progress/progress.ts";
import { streamLag } from "../progress/stream-progress.ts";
import type { SwitchoverOptions, SwitchoverWaiting } from "./control.ts";

const SECOND = 1000;
/** It is said again so often, though nothing has changed. */
const AGAIN = 5 * SECOND;
/** Tables that are named; of more there is the number. */
const MOST_NAMED = 3;

/** Told what is waited for, again and again. */
export type WaitingTeller = (waiting: SwitchoverWaiting) => void;

/** What is known of it. */
export interface Waited {
  stage: "copying" | "catching up";
  progress: Progress;
  /** Nothing is copied, the tables are only followed. */
  isOnlyFollowed?: boolean;
  /** Tables whose shards aren't all at their tips. */
  behind?: string[];
}

/** What is waited for. */
export function waitingText({
  stage,
  progress,
  isOnlyFollowed = false,
  behind = [],
}: Waited): SwitchoverWaiting {
  const paused = progress.paused ? "; the run is paused" : "";
  const tables = [...progress.tables.values()];
  if (stage === "copying") {
    const left = tables.filter((table) => !isCopied(table)).map(({ name }) => name);
    const of = `${tables.length} ${tables.length === 1 ? "table" : "tables"}`;
    const done = `${tables.length - left.length} of ${of} ${isOnlyFollowed ? "followed" : "copied"}`;
    const begins = tables.length === 0 ? "the tables are being found" : "the following begins";
    const text = left.length > 0 ? done : begins;
    return { stage, tables: left, text: text + paused };
  }
  if (behind.length === 0) return { stage, tables: [], text: `looking for further shards${paused}` };
  return { stage, tables: behind, text: `not at the tip yet: ${named(progress, behind)}${paused}` };
}

function named({ tables }: Progress, names: string[]): string {
  const now = Date.now();
  const shown = names.slice(0, MOST_NAMED).map((name) => {
    const { state, isNew, stream } = tables.get(name) ?? {};
    if (state !== "following") return `${name} (${isNew ? "being copied" : "copied again"})`;
    const lag = stream && streamLag(stream, now);
    return lag === undefined || lag < SECOND ? name : `${name} (${Math.round(lag / SECOND)} s behind)`;
  });
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/**
 * Passes on what is waited for when it changes, and now and then.
 *
 * @returns with what was told last
 */
export function createTeller(onWaiting: SwitchoverOptions["onWaiting"]): {
  tell: WaitingTeller;
  readonly last: SwitchoverWaiting | undefined;
} {
  let last: SwitchoverWaiting | undefined;
  let toldAt = 0;
  return {
    get last() {
      return last;
    },
    tell(waiting) {
      const isNews = last?.stage !== waiting.stage || last.text !== waiting.text;
      last = waiting;
      if (!isNews && Date.now() - toldAt < AGAIN) return;
      toldAt = Date.now();
      onWaiting?.(waiting);
    },
  };
}
