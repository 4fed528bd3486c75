/** The types a setting can have: each turns the text of a value into the value, or says what is allowed. */
import * as v from "valibot";
import { parseAttributeValues } from "./filter-values.ts";
import type { AttributeValue } from "../types.ts";

/** From the text of a value to the value; the issue's message says what is allowed. */
export type Rule<T> = v.GenericSchema<string, T>;

/** What a rule says about itself beside what it allows. */
export interface RuleNotes {
  /** The words it takes, for who completes what is typed; none: it takes no fixed words. */
  words?: readonly string[];
}

/** Notes a rule's words. */
function withWords<T>(rule: Rule<T>, words: readonly string[]): Rule<T> {
  return v.pipe(rule, v.metadata({ words } satisfies RuleNotes));
}

/** The words that a rule has noted. */
export function wordsOf(rule: Rule<unknown>): readonly string[] {
  return (v.getMetadata(rule) as RuleNotes).words ?? [];
}

/** The largest number that timers and the services take. */
export const MAX: number = 2_147_483_647;
const SCAN_LIMIT = 128;

/** Any text. */
export const text: Rule<string> = v.string();

const WORDS = "1 t T TRUE true True 0 f F FALSE false False".split(" ");

/** NimoShake's words for yes and no. */
export const flag: Rule<boolean> = withWords(
  v.pipe(
    v.picklist(WORDS, "must be true or false"),
    v.transform((word) => /^[1t]/i.test(word)),
  ),
  ["true", "false"],
);

/** A yes or no that is yes whatever was given. */
export const alwaysOn: Rule<boolean> = v.pipe(
  flag,
  v.transform(() => true),
);

/** Names separated by `;`, with blanks around them or none. */
export const list: Rule<string[]> = v.pipe(
  v.string(),
  v.transform((names) =>
    names
      .split(";")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
);

/** A TCP port to listen on. */
export const port: Rule<number> = whole(-1, 65_535, "; 0 takes any free port, -1 switches it off");

/** A page's limit; NimoShake takes 0 and below for its default. */
export const batchNumber: Rule<number> = v.pipe(
  whole(-MAX, MAX),
  v.transform((count) => (count <= 0 ? SCAN_LIMIT : count)),
);

/**
 * A whole number in decimal digits.
 *
 * @param words that are allowed as well, for the message
 */
export function whole(min: number, max: number, more = "", words = ""): Rule<number> {
  const allowed = `must be ${words && `${words}, or `}a whole number from ${min} to ${max}${more}`;
  return v.pipe(
    v.string(),
    v.regex(/^-?\d+$/, allowed),
    v.transform((digits) => Number(digits) + 0), // no -0
    v.minValue(min, allowed),
    v.maxValue(max, allowed),
  );
}

const UNITS: Readonly<Record<string, number>> = { "": 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/** Bytes, or with a unit: `256 MB`. At least so many that a page as objects fits into what pages may use of them. */
export const memorySize: Rule<number> = size(32 * 2 ** 20, 1024 * 2 ** 30);

function size(min: number, max: number): Rule<number> {
  const allowed = `must be a size from ${sizeText(min)} to ${sizeText(max)}, such as 256 MB or 1 GB; without a unit bytes`;
  return v.pipe(
    v.string(),
    v.toUpperCase(),
    v.regex(/^\d+ ?(?:[KMG]B)?$/, allowed),
    v.transform((text) => Number.parseInt(text, 10) * UNITS[text.replace(/^\d+ ?/, "")]!),
    v.minValue(min, allowed),
    v.maxValue(max, allowed),
  );
}

/** A size as it would stand in the file. */
export function sizeText(bytes: number): string {
  const [unit, of] = Object.entries(UNITS).findLast(([, each]) => bytes % each === 0)!;
  return `${bytes / of} ${unit}`.trim();
}

/** One of some words, exactly as written. */
export function oneOf<const T extends string>(...options: T[]): Rule<T> {
  const named = options.filter((option) => option !== "");
  const allowed = `must be one of ${named.join(", ")}${named.length < options.length ? ", or empty" : ""}`;
  return withWords(v.picklist(options, allowed), named);
}

/** A region or empty; it becomes part of a host name. */
export const regionName: Rule<string> = v.pipe(
  v.string(),
  v.regex(/^[\w-]*$/, "must be a region's name, such as us-east-2"),
);

/** `when` stands for `value`; anything else follows the rule. */
export function or<const W, T>(when: string, value: W, rule: Rule<T>): Rule<W | T> {
  const exact: Rule<W> = v.pipe(
    v.string(),
    v.transform(() => value),
  );
  const words = [when, ...wordsOf(rule)].filter((word) => /^[a-z]/.test(word));
  return withWords(
    v.lazy((input): Rule<W | T> => (input === when ? exact : rule)),
    words,
  );
}

/** Empty is undefined: a default that depends on other keys, or none. */
export function unset<T>(rule: Rule<T>): Rule<T | undefined> {
  return or("", undefined, rule);
}

/** See {@link parseAttributeValues}. */
export const attributeValues: Rule<Record<string, AttributeValue>> = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { values, problem } = parseAttributeValues(dataset.value);
    if (values !== undefined) return values;
    addIssue({ message: problem });
    return NEVER;
  }),
);

/** The guide's words and NimoShake's `warning`, in any case. */
export const logLevel: Rule<"none" | "error" | "warn" | "info" | "debug"> = withWords(
  v.pipe(
    v.string(),
    v.toLowerCase(),
    v.picklist(
      ["none", "error", "warn", "warning", "info", "debug"],
      "must be one of none, error, warn, info, debug",
    ),
    v.transform((level) => (level === "warning" ? "warn" : level)),
  ),
  ["none", "error", "warn", "info", "debug"],
);

/** A web address or empty. */
export const httpUrl: Rule<string> = v.pipe(
  v.string(),
  v.check(
    (url) => url === "" || (/^https?:\/\//i.test(url) && URL.canParse(url)),
    "must be an http:// or https:// URL",
  ),
);

/** A MongoDB database that is ours to fill. */
export const databaseName: Rule<string> = v.pipe(
  v.string(),
  v.check(
    isDatabaseName,
    'must be usable as a MongoDB database name: at most 63 bytes, no blank and none of / \\ . " $ * < > : | ?',
  ),
  v.notValues(
    ["admin", "local", "config"],
    "must not be one of MongoDB's own databases admin, local and config",
  ),
);

/** Whether MongoDB takes a name for a database, on every platform. */
export function isDatabaseName(name: string): boolean {
  return name !== "" && !/[/\\. "$*<>:|?\0]/.test(name) && Buffer.byteLength(name) <= 63;
}
