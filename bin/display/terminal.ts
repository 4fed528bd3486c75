/** Shows a run's progress while it goes on: bars on a terminal, lines elsewhere. */
import { createLogUpdate } from "log-update";
import type { Progress } from "../../core/progress/progress.ts";
import { frame } from "./bars.ts";
import { progressLines } from "./lines.ts";
import { type Output, setLiveDisplay } from "../log/log.ts";
import { createMeter } from "./meter.ts";

const SECOND = 1000;
const REDRAW_INTERVAL = SECOND / 5;
const LINE_INTERVAL = 10 * SECOND;

/** What {@link showProgress} takes. */
export interface ShowOptions {
  stream?: Output;
  /** Whether bars can be drawn; found out from the stream and the environment when left out. */
  isTTY?: boolean;
  /** Where lines go when there is no terminal. */
  log: { info(message: Line): void };
  /** Lines are logged beside the bars as well. */
  linesToo?: boolean;
  now?: () => number;
}

/** A text, or a message with what it is about. */
export type Line = string | (Readonly<Record<string, unknown>> & { message: string });

/** What a display shows, at a time in ms since 1970. */
export interface View {
  /** The lines for a terminal of that size. */
  frame(now: number, size: { columns: number; rows: number }): string[];
  /** The lines for where there is no terminal. */
  lines(now: number): Line[];
  /** Between two times {@link View.lines} are wanted, in ms. */
  interval: number;
}

/** The full phase. */
export function fullView(progress: Progress): View {
  const meter = createMeter(progress);
  return {
    frame: (now, size) => frame(meter(now), size),
    lines: (now) => progressLines(meter(now)),
    interval: LINE_INTERVAL,
  };
}

/** A display that can be ended. */
export interface ProgressDisplay {
  /** Clears the bars; may be called twice. */
  stop(): void;
}

/**
 * Shows a view until stopped: redrawn five times a second on a terminal, else as lines now and then.
 * Keeps no process alive.
 */
export function showProgress(view: View, options: ShowOptions): ProgressDisplay {
  const { stream = process.stderr, isTTY = canDraw(stream), log, now = Date.now } = options;
  const bars = isTTY ? showBars(stream, (size) => view.frame(now(), size)) : undefined;
  const lines = isTTY && options.linesToo !== true ? undefined : showLines();
  return {
    stop() {
      bars?.stop();
      clearInterval(lines);
    },
  };

  function showLines(): NodeJS.Timeout {
    // The first look is where the first line's rates start from.
    view.lines(now());
    const timer = setInterval(() => {
      for (const line of view.lines(now())) log.info(line);
    }, view.interval);
    return timer.unref();
  }
}

function canDraw(stream: Output): boolean {
  // A terminal whose size was never set says 0 rows, and nothing can be placed on it.
  if (stream.rows === 0 || stream.columns === 0) return false;
  return stream.isTTY === true && process.env["TERM"] !== "dumb" && !process.env["CI"];
}

function showBars(
  stream: Output,
  look: (size: { columns: number; rows: number }) => string[],
): ProgressDisplay {
  // The cursor stays visible: a process that is killed could not bring it back.
  const update = createLogUpdate(stream as NodeJS.WritableStream, { showCursor: true });
  let lines: string[] = [];
  let columns = stream.columns ?? 80;
  let stopped = false;

  function draw(): void {
    fitWidth();
    const next = look({ columns, rows: stream.rows ?? 24 });
    if (next.length === 0) return;
    lines = next;
    update(lines.join("\n"));
  }

  /** In a terminal made narrower the lines on it have wrapped, so there are more to clear than were drawn. */
  function fitWidth(): void {
    const before = columns;
    columns = stream.columns ?? 80;
    if (columns >= before || lines.length === 0) return;
    const height = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    stream.write(erase(height));
    update.done();
    lines = [];
  }

  // One write for both, and not by way of log-update: it measures every line again, and there can be many a second.
  setLiveDisplay((text) => {
    fitWidth();
    stream.write(erase(lines.length) + text + lines.map((line) => `${line}\n`).join(""));
  });
  draw();
  const timer = setInterval(draw, REDRAW_INTERVAL);
  timer.unref();
  return {
    stop() {
      if (stopped) return;
      stopped = true;
      clearInterval(timer);
      fitWidth();
      update.clear();
      setLiveDisplay(undefined);
    },
  };
}

/** The escape sequence that clears the lines above the cursor; line by line, for tmux keeps a cleared screen. */
function erase(lines: number): string {
  return "\u001B[1A\u001B[2K".repeat(lines) + "\r";
}
