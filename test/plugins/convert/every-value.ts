/** One value of every kind, with what each conversion makes of it: written by hand. */
import type { AttributeValue } from "../../../core/types.ts";

/** A BSON type and a value, as test/fakes/bson-types.ts reads them; Decimal128 as `<coefficient>e<exponent>`. */
export type Typed = [type: string, value: unknown];

/** A value and what becomes of it. */
export interface ValueCase {
  name: string;
  value: AttributeValue;
  change: Typed;
  mchange: Typed;
  raw: Typed;
  /** Whether `change` counts it as overflowed. */
  overflows?: true;
  /** Whether `mchange` counts it as having lost digits. */
  loses?: true;
}

const NULL: Typed = ["null", null];
const str = (value: string): Typed => ["string", value];
const bin = (hex: string): Typed => ["binary 0", hex];
const list = (...members: Typed[]): Typed => ["array", members];
const doc = (fields: Record<string, Typed>): Typed => [
  "document",
  Object.entries(fields).map(([name, typed]) => [name, ...typed]),
];

/** Cases that `change` and `mchange` treat alike. */
function both(name: string, value: AttributeValue, plain: Typed, raw: Typed): ValueCase {
  return { name, value, change: plain, mchange: plain, raw };
}

const DIGITS_38 = "12345678901234567890123456789012345678";
const TINY = `0.${"0".repeat(129)}1`;
const HUGE = `999${"0".repeat(123)}`;

const NUMBERS: [
  digits: string,
  change: Typed,
  double: number,
  counted?: { overflows?: true; loses?: true },
][] = [
  ["0", ["int32", 0], 0],
  ["-1", ["int32", -1], -1],
  ["2147483647", ["int32", 2147483647], 2147483647],
  ["2147483648", ["int64", 2147483648n], 2147483648],
  ["9007199254740993", ["int64", 9007199254740993n], 9007199254740992, { loses: true }],
  ["-9223372036854775808", ["int64", -9223372036854775808n], -9223372036854775808],
  ["9223372036854775808", ["decimal128", "9223372036854775808e0"], 9223372036854775808],
  [
    "12345678901234567890123456789012.34",
    ["decimal128", "1234567890123456789012345678901234e-2"],
    1.2345678901234567e31,
    { loses: true },
  ],
  ["0.1", ["decimal128", "1e-1"], 0.1],
  ["-2.50", ["decimal128", "-250e-2"], -2.5],
  [DIGITS_38, ["string", DIGITS_38], 1.2345678901234568e37, { overflows: true, loses: true }],
  [TINY, ["decimal128", "1e-130"], 1e-130],
  [HUGE, ["decimal128", "999e123"], 9.99e125, { loses: true }],
];

/** Maps or lists around a value, so many levels deep, alternating. */
function nested<T>(levels: number, inner: T, map: (inner: T) => T, list: (inner: T) => T): T {
  let value = inner;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? map(value) : list(value);
  return value;
}

const PLAIN_NESTED = nested(
  32,
  str("deep"),
  (m) => doc({ m }),
  (inner) => list(inner),
);

/** Every kind of value. */
export const VALUES: ValueCase[] = [
  both("string", { S: "text" }, str("text"), doc({ S: str("text") })),
  both("emptyString", { S: "" }, str(""), doc({ S: str("") })),
  both("nulInString", { S: "a\0b" }, str("a\0b"), doc({ S: str("a\0b") })),
  both("emojiString", { S: "é日😀\u{10ffff}" }, str("é日😀\u{10ffff}"), doc({ S: str("é日😀\u{10ffff}") })),
  ...NUMBERS.map(([digits, change, double, counted]): ValueCase => ({
    name: `number ${digits.length} ${digits.slice(0, 20)}`,
    value: { N: digits },
    change,
    mchange: ["double", double],
    raw: doc({ N: str(digits) }),
    ...counted,
  })),
  both("binary", { B: "AP9/" }, bin("00ff7f"), doc({ B: bin("00ff7f") })),
  both("emptyBinary", { B: "" }, bin(""), doc({ B: bin("") })),
  both("true", { BOOL: true }, ["bool", true], doc({ BOOL: ["bool", true] })),
  both("false", { BOOL: false }, ["bool", false], doc({ BOOL: ["bool", false] })),
  both("null", { NULL: true }, NULL, doc({ NULL: ["bool", true] })),
  both("emptyMap", { M: {} }, doc({}), doc({ M: doc({}) })),
  both("emptyList", { L: [] }, list(), doc({ L: list() })),
  {
    name: "map",
    value: { M: { a: { S: "x" }, n: { N: "1" }, e: { M: {} } } },
    change: doc({ a: str("x"), n: ["int32", 1], e: doc({}) }),
    mchange: doc({ a: str("x"), n: ["double", 1], e: doc({}) }),
    raw: doc({ M: doc({ a: doc({ S: str("x") }), n: doc({ N: str("1") }), e: doc({ M: doc({}) }) }) }),
  },
  {
    name: "list",
    value: { L: [{ S: "x" }, { N: "1.5" }, { NULL: true }, { L: [] }, { B: "" }] },
    change: list(str("x"), ["decimal128", "15e-1"], NULL, list(), bin("")),
    mchange: list(str("x"), ["double", 1.5], NULL, list(), bin("")),
    raw: doc({
      L: list(
        doc({ S: str("x") }),
        doc({ N: str("1.5") }),
        doc({ NULL: ["bool", true] }),
        doc({ L: list() }),
        doc({ B: bin("") }),
      ),
    }),
  },
  both(
    "stringSet",
    { SS: ["b", "a", ""] },
    list(str("b"), str("a"), str("")),
    doc({ SS: list(str("b"), str("a"), str("")) }),
  ),
  {
    name: "numberSet",
    value: { NS: ["3", "2.5", "9007199254740993", DIGITS_38] },
    change: list(["int32", 3], ["decimal128", "25e-1"], ["int64", 9007199254740993n], str(DIGITS_38)),
    mchange: list(
      ["double", 3],
      ["double", 2.5],
      ["double", 9007199254740992],
      ["double", 1.2345678901234568e37],
    ),
    raw: doc({ NS: list(str("3"), str("2.5"), str("9007199254740993"), str(DIGITS_38)) }),
    overflows: true,
  },
  both("binarySet", { BS: ["AQ==", ""] }, list(bin("01"), bin("")), doc({ BS: list(bin("01"), bin("")) })),
  {
    name: "nested32",
    value: nested<AttributeValue>(
      32,
      { S: "deep" },
      (m) => ({ M: { m } }),
      (inner) => ({ L: [inner] }),
    ),
    change: PLAIN_NESTED,
    mchange: PLAIN_NESTED,
    raw: nested(
      32,
      doc({ S: str("deep") }),
      (m) => doc({ M: doc({ m }) }),
      (inner) => doc({ L: list(inner) }),
    ),
  },
];
