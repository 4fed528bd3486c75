/** What is shown to programs: with `log.format = json` there are neither bars nor tables, and every line is an object. */
import type { Progress } from "../../core/progress/progress.ts";
import { describeRun, type RunIdentity } from "../../core/progress/run-status.ts";
import { streamLag } from "../../core/progress/stream-progress.ts";
import type { Verdict } from "../../core/run/verify.ts";
import type { Fields } from "../log/entry.ts";
import type { Log } from "../log/log.ts";
import type { ShowOptions, View } from "./terminal.ts";
import { verdictJson } from "./verdict.ts";

const SECOND = 1000;
/** Between two looks at the progress, in ms. */
const INTERVAL = 10 * SECOND;

/** A line: a message, and what it is about. */
type Line = Fields & { message: string };

/** How progress is shown: no bars where all lines are objects; a log file gets lines beside the bars. */
export function displayOptions({ log, isJson, hasFile }: Log): ShowOptions {
  return { log, ...(isJson && { isTTY: false }), linesToo: hasFile };
}

/** The progress of a run: an object for all of it, and one a table that is being worked on. */
export function programView(identity: RunIdentity, progress: Progress): View {
  return {
    frame: () => [],
    lines(now) {
      const run = describeRun(identity, progress, now);
      const { phase, itemsPerSecond, etaSeconds, lagSeconds, switchOver } = run;
      const tables = run.tables.filter(({ state }) => state !== "done" && state !== "waiting");
      return [
        { message: "progress", phase, itemsPerSecond, etaSeconds, lagSeconds, switchOver },
        ...tables.map(({ name, state, read, written, share, indexShare, stream }) => ({
          message: "progress of a table",
          table: name,
          state,
          read,
          written,
          share,
          indexShare,
          ...(stream && {
            lagSeconds: stream.lagSeconds,
            changesRead: stream.read,
            changesWritten: stream.written,
            shards: stream.shards.length,
          }),
        })),
      ];
    },
    interval: INTERVAL,
  };
}

/** What became of every table, an object each. */
export function summaryObjects(progress: Progress, now: number = Date.now()): Line[] {
  return [...progress.tables.values()].map((table) => {
    const { name, state, read, written, bytes, indexes, overflowed, filtered, skipped } = table;
    const { startedAt, finishedAt = now } = table;
    return {
      message: "summary of a table",
      table: name,
      state,
      read,
      written,
      bytes,
      seconds: startedAt === undefined ? 0 : Math.max(0, finishedAt - startedAt) / SECOND,
      indexes,
      overflowed,
      filtered: Math.max(0, filtered - skipped),
      skipped,
    };
  });
}

/** The changes of every table that was followed, an object each, at a time in ms since 1970. */
export function changesObjects(progress: Progress, at: number): Line[] {
  return [...progress.tables.values()].flatMap(({ name, stream }) => {
    if (stream === undefined) return [];
    const { read, written, filtered, overflowed, bytes, startedAt } = stream;
    const lag = streamLag(stream, at);
    return [
      {
        message: "changes of a table",
        table: name,
        read,
        written,
        bytes,
        seconds: Math.max(0, at - startedAt) / SECOND,
        lagSeconds: lag === undefined ? null : lag / SECOND,
        filtered,
        overflowed,
      },
    ];
  });
}

/** What a comparison has found: an object a table, one for each of the first differences, and one for all. */
export function verdictObjects(verdict: Verdict): Line[] {
  const { tables, ...all } = verdictJson(verdict);
  return [
    ...tables.map((counts) => ({ message: "comparison of a table", ...counts })),
    ...verdict.first.map((fault) => ({ message: "difference", ...fault })),
    { message: all.isEqual ? "source and target are equal" : "comparison", ...all },
  ];
}
