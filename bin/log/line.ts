/** How an entry of the log is written: as a line for people, or as a JSON object for programs. */
import { formatTime } from "../format.ts";
import type { Entry, Fields } from "./entry.ts";
import { oneLine, shownText } from "./plain-text.ts";

/** `log.format`. */
export type LogFormat = "text" | "json";

/** Makes an entry a line, with its line break. */
export type WriteLine = (entry: Entry) => string;

/** What {@link lineWriter} takes. */
export interface LineOptions {
  format: LogFormat;
  /** Hides secrets. */
  redact: (text: string) => string;
  /** Levels in colours. */
  colours?: boolean;
  /** Whether the run has a table of that name. */
  isTable?: (name: string) => boolean;
}

const LABELS: Readonly<Record<Entry["level"], string>> = {
  error: "EROR",
  warn: "WARN",
  info: "INFO",
  debug: "DEBG",
};

const COLOURS: Readonly<Record<Entry["level"], number>> = { error: 31, warn: 33, info: 36, debug: 90 };

/** Gives what writes entries in one form. */
export function lineWriter({
  format,
  redact,
  colours = false,
  isTable = () => false,
}: LineOptions): WriteLine {
  if (format === "json") return (entry) => `${json(entry, redact, isTable)}\n`;
  return ({ date, level, tag, message, fields }) => {
    const label = colours ? `\u001B[${COLOURS[level]}m${LABELS[level]}\u001B[39m` : LABELS[level];
    const { stack } = fields;
    const text = shownText(typeof stack === "string" ? withStack(message, stack) : message, redact);
    // Whoever logs gives himself his tag.
    const who = tag && `[${oneLine(redact(tag))}] `;
    // Further lines are indented, so that every line with a time in front is an entry of its own.
    return `[${formatTime(date)}] [${label}] ${who}${text.replaceAll("\n", "\n    ")}\n`;
  };
}

/** A stack says again, in its first line, what happened. */
function withStack(message: string, stack: string): string {
  const [first = "", ...rest] = stack.split("\n");
  return first.endsWith(message) ? [message, ...rest].join("\n") : `${message}\n${stack}`;
}

/**
 * Secrets are hidden before the text is quoted: a quoted one may look different. They may be in the names of what was
 * logged, too.
 */
function json(
  { date, level, tag, message, fields }: Entry,
  redact: (text: string) => string,
  isTable: (name: string) => boolean,
): string {
  const clean = (text: string): string => shownText(text, redact);
  const named = (value: object): [string, unknown][] =>
    Object.entries(value).map(([name, each]) => [clean(name), each]);
  const isOwn = (value: object): boolean => Object.keys(value).every((name) => clean(name) === name);
  // What would make the line something else than an object, such as `toJSON`, says nothing.
  const more = named(fields).filter(([name, value]) => name !== "time" && typeof value !== "function");
  const members = {
    time: date.toISOString(),
    level,
    message,
    ...(tag !== "" && { tag }),
    ...placeIn(message, isTable),
    ...Object.fromEntries(more),
  };
  const shown = (name: string, value: unknown): unknown => {
    if (typeof value === "bigint") return String(value);
    if (typeof value === "string") return clean(value);
    if (name === "" || typeof value !== "object" || value === null || Array.isArray(value)) return value;
    // The same object wherever that will do: what goes round in circles is found out by it.
    return isOwn(value) ? value : Object.fromEntries(named(value));
  };
  try {
    return JSON.stringify(members, shown);
  } catch {
    // What a plugin has logged beside its message goes round in circles.
    return JSON.stringify({ time: members.time, level, message }, shown);
  }
}

/** The table and the shard that a message names, in the words of this tool. */
function placeIn(message: string, isTable: (name: string) => boolean): Fields {
  const table = [...message.matchAll(/\btable ([\w.-]+)/g)]
    .map(([, name]) => name!)
    .find((name) => isTable(name));
  const shard = /\bshard (shardId-[\w-]+)/.exec(message)?.[1];
  return { ...(table !== undefined && { table }), ...(shard !== undefined && { shard }) };
}
