/** Comparing what came back with what was given, the same way under every runtime. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Of a text that differs so much is shown around the first difference. */
const SHOWN = 120;
/** Of values that are missing or too many so many are shown. */
const MOST_SHOWN = 3;

const SECOND = 1000;
/** What is to end soon has so long. */
const SOON = 10 * SECOND;

/**
 * A value as text: another text for anything that isn't exactly the same, types and `-0` included. The order of
 * an object's members doesn't count, that of an array's does.
 */
export function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      return String(value);
  }
}

function objectText(value: object): string {
  if (ArrayBuffer.isView(value)) {
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
  }
  if (Array.isArray(value)) return `[${Array.from(value, textOf).join(",")}]`;
  if (value instanceof Map || value instanceof Set) return `${value.constructor.name}${textOf([...value])}`;
  // By the prototype, for an attribute may be called "constructor".
  const kind = (Object.getPrototypeOf(value) as object | null)?.constructor.name ?? "Object";
  if (kind === "Object") return membersText(value);
  const toJson = (value as { toJSON?: unknown }).toJSON;
  return `${kind} ${typeof toJson === "function" ? textOf(toJson.call(value)) : membersText(value)}`;
}

function membersText(value: object): string {
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`);
  return `{${members.sort().join(",")}}`;
}

/** Fails unless two values are exactly the same. */
export function assertSame(actual: unknown, expected: unknown, what: string = "not the same"): void {
  const [found, wanted] = [textOf(actual), textOf(expected)];
  if (found === wanted) return;
  let at = 0;
  while (found[at] === wanted[at]) at++;
  const from = Math.max(0, at - SHOWN / 2);
  const around = (text: string): string =>
    `${from > 0 ? "…" : ""}${text.slice(from, from + SHOWN)}${text.length > from + SHOWN ? "…" : ""}`;
  assert.fail(`${what}\n  expected: ${around(wanted)}\n  but it is: ${around(found)}`);
}

/** Fails unless there are exactly these values, each as often, in any order. */
export function assertAll(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  const left = new Map<string, number>();
  for (const value of expected) {
    const text = textOf(value);
    left.set(text, (left.get(text) ?? 0) + 1);
  }
  const extra: string[] = [];
  for (const value of actual) {
    const text = textOf(value);
    const count = left.get(text) ?? 0;
    if (count === 0) extra.push(text);
    else if (count === 1) left.delete(text);
    else left.set(text, count - 1);
  }
  const missing = [...left].flatMap(([text, count]) => Array.from({ length: count }, () => text));
  if (missing.length === 0 && extra.length === 0) return;
  const counts = `${expected.length} expected, ${actual.length} there`;
  assert.fail(`${what}: ${counts}${listed("missing", missing)}${listed("not expected", extra)}`);
}

function listed(what: string, texts: string[]): string {
  if (texts.length === 0) return "";
  const shown = texts.slice(0, MOST_SHOWN).map((text) => {
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
  });
  return `\n  ${what} (${texts.length}): ${shown.join("\n    ")}`;
}

/** Waits for what may succeed or fail, but has to end soon. */
export async function endsSoon<T>(work: Promise<T>, what: string): Promise<PromiseSettledResult<T>> {
  const timer = new AbortController();
  const late = sleep(SOON, undefined, { signal: timer.signal }).catch(() => undefined);
  const end = await Promise.race([Promise.allSettled([work]), late]);
  timer.abort();
  return end?.[0] ?? assert.fail(`${what} has no end after ${SOON / SECOND} s`);
}
