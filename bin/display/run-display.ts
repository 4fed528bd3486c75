/** What a run shows: while it goes on, when a part of it is done, and at its end. */
import { isCopied, type Progress } from "../../core/progress/progress.ts";
import type { RunIdentity } from "../../core/progress/run-status.ts";
import { endOf } from "../../core/report/outcome.ts";
import type { Verdict } from "../../core/run/verify.ts";
import type { Log } from "../log/log.ts";
import type { Finished } from "../report.ts";
import { changesTable } from "./changes.ts";
import { lastWords } from "./last-words.ts";
import { changesObjects, displayOptions, programView, summaryObjects, verdictObjects } from "./objects.ts";
import { runView } from "./run-view.ts";
import { stoppedText } from "./stopped.ts";
import { summaryTable } from "./summary.ts";
import { switchedText } from "./switched.ts";
import { type ProgressDisplay, showProgress } from "./terminal.ts";
import { verdictText } from "./verdict.ts";

/** The line that other programs wait for. */
const DONE = "full sync done!";

/** See the top of the file. */
export interface RunDisplay {
  /** The full phase of all tables is done, and their streams are followed. */
  fullDone(): void;
  verified(verdict: Verdict): void;
  /** The run came to its end. @param isNews an earlier start hasn't said that all is copied */
  ended(finished: Finished, isNews: boolean): void;
  /** A signal stopped it. */
  stopped(finished: Finished, signal: { name: string; at: number }): void;
  /** Clears what is drawn; may be called twice. */
  stop(): void;
}

/** Begins to show. */
export function runDisplay(output: Log, identity: RunIdentity, progress: Progress): RunDisplay {
  const view = output.isJson ? programView(identity, progress) : runView(progress, identity);
  const show = (): ProgressDisplay => showProgress(view, displayOptions(output));
  let shown = show();

  /** What is said stands below the last of what was drawn. */
  function between(say: () => void): void {
    shown.stop();
    say();
    shown = show();
  }

  function sayCopied(): void {
    output.say({ text: summaryTable(progress), objects: summaryObjects(progress) });
  }

  /** The changes that were applied. */
  function sayChanges({ input: { outcome, endedAt } }: Finished): void {
    const at = endOf(outcome, endedAt);
    const text = changesTable(progress, at);
    if (text !== undefined) output.say({ text, objects: changesObjects(progress, at) });
  }

  function sayLeft(finished: Finished): void {
    for (const words of lastWords(finished)) output.say(words);
  }

  return {
    fullDone: () =>
      between(() => {
        sayCopied();
        output.say({ text: DONE, plain: DONE });
      }),
    verified: (verdict) =>
      between(() => output.say({ text: verdictText(verdict), objects: verdictObjects(verdict) })),
    ended(finished, isNews) {
      shown.stop();
      sayChanges(finished);
      if (isNews && progress.switchover === undefined) sayCopied();
      sayLeft(finished);
      if (progress.switchover !== undefined) output.say({ text: switchedText(progress.switchover) });
      else if (isNews) output.say({ text: DONE, plain: DONE });
    },
    stopped(finished, { name, at }) {
      shown.stop();
      // What is copied was shown when all was.
      if (![...progress.tables.values()].every(isCopied)) sayCopied();
      sayChanges(finished);
      sayLeft(finished);
      output.say({ text: stoppedText(progress, name, at) });
    },
    stop: () => shown.stop(),
  };
}
