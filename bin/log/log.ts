/** Where log lines and last words go: to the terminal, to `log.file`, and in which form. */
import { createConsola, type ConsolaInstance } from "consola";
import { toMigrationError } from "../../core/errors.ts";
import { failureEntry, failureLines, printError } from "../errors.ts";
import { type Entry, entryOf, type Fields } from "./entry.ts";
import { type LogFormat, lineWriter } from "./line.ts";
import { fileSink, type Sink } from "./log-file.ts";
import { type RecentLine, recentLines } from "./recent.ts";

const DEBUG = 4;

/** `log.level` as consola has it: what `log.level` of a log that is open may be set to. */
export const LEVELS: Readonly<Record<LogLevel, number>> = {
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
  /** Default: text. */
  format?: LogFormat;
  /** Appended to, relative to the working folder; undefined or empty: standard output. */
  file?: string | undefined;
  /** Collects a file's lines and writes them every second and at the end. */
  buffer: boolean;
  /** Hides secrets in every line. */
  redact?: (text: string) => string;
  /** The run's tables, for lines that name one. */
  tables?: { has(name: string): boolean };
  /** Where lines go; default: standard output. */
  stream?: Output;
  /** Where words go; default: where lines go. */
  words?: Output;
  /** Where the final error goes; default: standard error. */
  errors?: Output;
}

/** What a command says whatever the level is. */
export interface Words {
  /** For people, as it stands; may have several lines. */
  text: string;
  /** For programs, an object each; default: the text as a message. */
  objects?: readonly (Fields & { message: string })[];
  /** Goes to standard output in every form, instead of the others. */
  plain?: string;
  /** It is made of nothing that is secret, and must stay as it is: what looks like a secret in it is an ordinary word. */
  isPublic?: boolean;
}

/** A log, last words, and their end. */
export interface Log {
  log: ConsolaInstance;
  /** Lines are objects: nothing else may be written to the terminal. */
  isJson: boolean;
  /** The log goes to a file: what the terminal shows is to be there as well. */
  hasFile: boolean;
  /** Says something where words go, and to the file. */
  say(said: Words): void;
  /** Says what a command has failed with, on standard error and in the file; gives the exit code. */
  fail(error: unknown): number;
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
 * Makes a command's log. In text a line is `[2026/11/23 21:00:00 UTC] [INFO] text`, on a terminal with colours; in JSON
 * an object with `time`, `level`, `message` and what else is known.
 *
 * @throws MigrationError CONFIG_INVALID when the file can't be written
 */
export function createLog(options: LogOptions): Log {
  const { format = "text", redact = (text) => text, tables, buffer } = options;
  const { stream = process.stdout, words = stream, errors = process.stderr } = options;
  const isJson = format === "json";
  const isTable = (name: string): boolean => tables?.has(name) === true;
  const line = lineWriter({ format, redact, isTable });
  const file = options.file ? fileSink(options.file, { buffer, complain }) : undefined;
  const terminal = streamSink(stream);
  const colours = stream.isTTY === true && process.env["TERM"] !== "dumb" && !process.env["NO_COLOR"];
  const shown = file === undefined ? lineWriter({ format, redact, isTable, colours }) : line;
  const recent = recentLines(redact);
  // No throttle: consola would hold repeated lines back in a timer and lose them at the end.
  const log = createConsola({ level: LEVELS[options.level], throttle: 0, reporters: [] });
  log.addReporter({
    log(logged) {
      const entry = entryOf(logged, log.level >= DEBUG);
      recent.add(entry);
      (file ?? terminal).write(shown(entry));
    },
  });

  /** The log itself can't say what is wrong with it. */
  function complain(message: string): void {
    errors.write(isJson ? line(entry("warn", message)) : `${redact(message)}\n`);
  }

  function say({ text, objects = [{ message: text }], plain, isPublic = false }: Words): void {
    const hide = isPublic ? (each: string): string => each : redact;
    const write = isPublic ? lineWriter({ format, redact: hide, isTable }) : line;
    const lines = isJson
      ? objects.map(({ message, ...fields }) => write(entry("info", message, fields))).join("")
      : `${hide(text)}\n`;
    words.write(plain === undefined ? lines : "");
    if (plain !== undefined) process.stdout.write(`${hide(plain)}\n`);
    file?.write(isJson ? lines : write(entry("info", text)));
  }

  function fail(error: unknown): number {
    const debug = log.level >= DEBUG;
    const failure = toMigrationError(error);
    if (isJson) file?.write(line(failureEntry(failure, { debug, redact })));
    else for (const each of failureLines(failure, { debug, redact })) file?.write(line(entry("error", each)));
    return printError(failure, { debug, format, redact, isTable, stream: errors });
  }

  return {
    log,
    isJson,
    hasFile: file !== undefined,
    say,
    fail,
    recent: recent.lines,
    async close() {
      await file?.close();
      await terminal.close();
    },
  };
}

function entry(level: Entry["level"], message: string, fields: Fields = {}): Entry {
  return { date: new Date(), level, tag: "", message, fields };
}

function streamSink(stream: Output): Sink {
  const toTerminal = stream.isTTY === true && process.env["TERM"] !== "dumb";
  return {
    write(text) {
      if (toTerminal && writeAbove) writeAbove(text);
      else stream.write(text);
    },
    // A pipe may still hold lines when the process is about to exit.
    close: () => new Promise((resolve) => stream.write("", () => resolve())),
  };
}
