/** DynamoDB values compared as DynamoDB compares them. */
import { parseDecimal } from "../../../core/schema/decimal.ts";
import type { AttributeValue, Item } from "../../../core/types.ts";

/** Texts up to here have so few digits that doubles keep their order. */
const SAFE_LENGTH = 15;

/** Whether two values are of one type and equal: numbers by value, sets whatever their order. */
export function equalValues(a: AttributeValue, b: AttributeValue): boolean {
  if (a.S !== undefined) return a.S === b.S;
  if (a.N !== undefined) return b.N !== undefined && compareNumbers(a.N, b.N) === 0;
  if (a.BOOL !== undefined) return a.BOOL === b.BOOL;
  if (a.NULL !== undefined) return b.NULL !== undefined;
  if (a.B !== undefined) return a.B === b.B;
  if (a.M !== undefined) return b.M !== undefined && equalMaps(a.M, b.M);
  if (a.L !== undefined) {
    const { L } = b;
    return a.L.length === L?.length && a.L.every((member, i) => equalValues(member, L[i]!));
  }
  const [left, right] = [members(a), members(b)];
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  return left.every((member) => right.some((other) => equalValues(member, other)));
}

function equalMaps(a: Item, b: Item): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equalValues(a[name]!, b[name]!));
}

/** A set's or a list's members; undefined for anything else. */
export function members({ L, SS, NS, BS }: AttributeValue): AttributeValue[] | undefined {
  if (L !== undefined) return L;
  if (SS !== undefined) return SS.map((S) => ({ S }));
  if (NS !== undefined) return NS.map((N) => ({ N }));
  return BS?.map((B) => ({ B }));
}

/** Negative, zero or positive; undefined where there is no order: other types, or two that differ. */
export function compareValues(a: AttributeValue, b: AttributeValue): number | undefined {
  if (a.N !== undefined && b.N !== undefined) return compareNumbers(a.N, b.N);
  if (a.S !== undefined && b.S !== undefined) return compareStrings(a.S, b.S);
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(bytes(a.B), bytes(b.B));
  return undefined;
}

/** The bytes of a binary. */
export function bytes(base64: string): Buffer {
  return Buffer.from(base64, "base64");
}

/** Two decimals by value, whatever their length. */
function compareNumbers(a: string, b: string): number {
  if (a.length <= SAFE_LENGTH && b.length <= SAFE_LENGTH) return Number(a) - Number(b);
  const [x, y] = [parseDecimal(a), parseDecimal(b)];
  const [signX, signY] = [sign(x), sign(y)];
  if (signX !== signY || signX === 0) return signX - signY;
  // Digits have no zeros at either end: so the place of the first one tells the larger.
  const places = x.digits.length + x.exponent - (y.digits.length + y.exponent);
  if (places !== 0) return places * signX;
  return x.digits === y.digits ? 0 : x.digits < y.digits ? -signX : signX;
}

function sign({ negative, digits }: { negative: boolean; digits: string }): number {
  if (digits === "") return 0;
  return negative ? -1 : 1;
}

/** Two texts by their UTF-8 bytes. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point above all that need none, though its own number is below some of them. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
