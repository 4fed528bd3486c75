/** Where the items and values of an answer stand in its bytes, so that they needn't be parsed. */
import { BACKSLASH, CLOSE, CLOSE_LIST, COMMA, OPEN, OPEN_LIST, QUOTE } from "../_bson/json-bytes.ts";

/** Strings up to here are searched byte by byte; beyond, the native search is faster. */
const SHORT = 32;
/** What follows a number, `true`, `false` or `null`. */
const ENDS: ReadonlySet<number> = new Set([COMMA, CLOSE, CLOSE_LIST]);

/**
 * Where the items of a list begin and end.
 *
 * @param from behind the list's opening bracket
 * @returns start and end in turns; undefined: this is no list of objects without blanks between
 */
export function itemBounds(body: Buffer, from: number): number[] | undefined {
  const bounds: number[] = [];
  let at = from;
  if (body[at] === CLOSE_LIST) return bounds;
  for (;;) {
    const end = body[at] === OPEN ? endOfObject(body, at) : -1;
    if (end < 0) return undefined;
    bounds.push(at, end);
    const next = body[end];
    if (next === CLOSE_LIST) return bounds;
    if (next !== COMMA) return undefined;
    at = end + 1;
  }
}

/** Behind the value that begins there, or -1. */
export function endOfValue(body: Buffer, start: number): number {
  const first = body[start];
  if (first === OPEN || first === OPEN_LIST) return endOfObject(body, start);
  if (first === QUOTE) return endOfString(body, start + 1) + 1 || -1;
  let at = start;
  while (at < body.length && !ENDS.has(body[at]!)) at++;
  return at > start ? at : -1;
}

/** Behind the object or list that begins there, or -1. */
function endOfObject(body: Buffer, start: number): number {
  const { length } = body;
  let depth = 0;
  for (let at = start; at < length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at = endOfString(body, at + 1);
      if (at < 0) return -1;
    } else if (byte === OPEN || byte === OPEN_LIST) depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** The quote that ends the string whose first byte is there, or -1. */
function endOfString(body: Buffer, start: number): number {
  const near = Math.min(start + SHORT, body.length);
  let at = start;
  for (; at < near; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  for (at = body.indexOf(QUOTE, at); at >= 0; at = body.indexOf(QUOTE, at + 1)) {
    if (!isEscaped(body, at, start)) return at;
  }
  return -1;
}

/** An odd number of backslashes before it. */
function isEscaped(body: Buffer, at: number, start: number): boolean {
  let before = at - 1;
  while (before >= start && body[before] === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}
