/** Where log lines go, and how they look there. */
import { formatWithOptions, stripVTControlCharacters } from "node:util";
import { createConsola, type ConsolaInstance, type ConsolaReporter, type LogObject } from "consola";
import { formatTime } from "../format.ts";
import { fileSink, type Sink } from "./log-file.ts";
import { type RecentLine, recentLines } from "./recent.ts";

const DEBUG = 4;

const LEVELS: Readonly<Record<LogLevel, number>> = {
  none: Number.NEGATIVE_INFINITY,
  error: 0,
  warn: 1,
  info: 3,
  debug: DEBUG,
};

/** `log.level`. */
export type LogLevel = "none" | "error" | "warn" | "info" | "debug";

/** The part of a stream that log lines and bars need; `process.stdout` and `process.stderr` are such. */
export interface Output {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string, done?: () => void): unknown;
}

/** What {@link createLog} takes. */
export interface LogOptions {
  level: LogLevel;
  /** Appended to, relative to the working folder; undefined or empty: standard output. */
  file?: string | undefined;
  /** Collects a file's lines and writes them every second and at the end. */
  buffer: boolean;
  /** Hides secrets in every line. */
  redact?: (text: string) => string;
  /** Stands for standard output in tests. */
  stream?: Output;
}

/** A log and its end. */
export interface Log {
  log: ConsolaInstance;
  /** The last warnings and errors. */
  recent: () => readonly RecentLine[];
  /** Writes what is still held back; may be called twice. */
  close(): Promise<void>;
}

/** Writes text above what it keeps on the terminal. */
export type WriteAbove = (text: string) => void;

/** The process has one terminal, so one display at a time can be alive on it. */
let writeAbove: WriteAbove | undefined;

/** Tells logs on a terminal to write above a live display; undefined when it is gone. */
export function setLiveDisplay(display: WriteAbove | undefined): void {
  writeAbove = display;
}

/**
 * Makes the run's log: on a terminal in consola's look, elsewhere lines like `[2026/11/23 21:00:00 UTC] [INFO] text`.
 * Throws CONFIG_INVALID when the file can't be written.
 */
export function createLog(options: LogOptions): Log {
  const stream = options.stream ?? process.stdout;
  const toTerminal = !options.file && stream.isTTY === true && process.env["TERM"] !== "dumb";
  const sink = redacted(
    options.file ? fileSink(options.file, { buffer: options.buffer }) : streamSink(stream, toTerminal),
    options.redact,
  );
  // No throttle: consola would hold repeated lines back in a timer and lose them at the end.
  const settings = { level: LEVELS[options.level], throttle: 0 };
  const log = toTerminal
    ? fancy(settings, stream, sink)
    : createConsola({ ...settings, reporters: [plain(sink)] });
  const recent = recentLines(options.redact);
  log.addReporter(recent.reporter);
  return { log, recent: recent.lines, close: () => sink.close() };
}

function redacted(sink: Sink, redact: LogOptions["redact"]): Sink {
  return redact ? { ...sink, write: (text) => sink.write(redact(text)) } : sink;
}

function plain(sink: Sink): ConsolaReporter {
  return {
    log(entry, { options }) {
      const text = stripVTControlCharacters(
        formatWithOptions({ colors: false }, ...readable(entry, options.level)),
      );
      const tag = entry.tag ? `[${entry.tag}] ` : "";
      // Further lines are indented, so that every line with a time in front is an entry of its own.
      sink.write(`[${formatTime(entry.date)}] [${label(entry)}] ${tag}${text.replaceAll("\n", "\n    ")}\n`);
    },
  };
}

function fancy(settings: { level: number; throttle: number }, stream: Output, sink: Sink): ConsolaInstance {
  const proxy = {
    get columns(): number | undefined {
      return stream.columns;
    },
    write: sink.write,
  } as unknown as NodeJS.WriteStream;
  const log = createConsola({ ...settings, fancy: true, stdout: proxy, stderr: proxy });
  const look = log.options.reporters[0];
  if (look) {
    log.setReporters([
      {
        log: (entry, context) =>
          look.log({ ...entry, args: readable(entry, context.options.level) }, context),
      },
    ]);
  }
  return log;
}

/** Errors show their stack at debug level only. */
function readable(entry: LogObject, level: number): unknown[] {
  if (level >= DEBUG) return entry.args;
  return entry.args.map((arg: unknown) => (arg instanceof Error ? `${arg.name}: ${arg.message}` : arg));
}

function label({ level }: LogObject): string {
  if (level <= 0) return "EROR";
  if (level === 1) return "WARN";
  return level < DEBUG ? "INFO" : "DEBG";
}

function streamSink(stream: Output, toTerminal: boolean): Sink {
  return {
    write(text) {
      if (toTerminal && writeAbove) writeAbove(text);
      else stream.write(text);
    },
    // A pipe may still hold lines when the process is about to exit.
    close: () => new Promise((resolve) => stream.write("", () => resolve())),
  };
}
