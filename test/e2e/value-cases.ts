/** Every value type, and what it has to be in MongoDB; written by hand from the conversion rules of the guide. */
import { binary, decimal, double, int32, int64 } from "./typed.ts";

/** One value at the source and in the three conversions. */
export interface ValueCase {
  name: string;
  /** In DynamoDB JSON. */
  sent: object;
  change: unknown;
  mchange: unknown;
  /** Undefined: exactly what was sent. */
  raw?: unknown;
}

const zeros = (count: number): string => "0".repeat(count);
const NINES_34 = "9999999999999999999999999999999999";
const DIGITS_35 = "12345678901234567890123456789012345";
const DIGITS_38 = "12345678901234567890123456789012345678";
const FRACTION_38 = "-123456789012345678901234567890.12345678";
/** Both beyond 24 characters, and with characters of 1, 2, 3 and 4 bytes. */
const LONG_TEXT = "Größe, 名前, ключ, 😀 — and then some more that is plain ASCII";

/** A number whose three forms are given; `raw` is the digits as sent. */
function number(digits: string, change: unknown, mchange: number): ValueCase {
  return { name: `N ${digits}`, sent: { N: digits }, change, mchange: double(mchange) };
}

const NUMBERS: ValueCase[] = [
  number("0", int32(0), 0),
  number("1", int32(1), 1),
  number("-1", int32(-1), -1),
  number("2147483647", int32(2147483647), 2147483647),
  number("2147483648", int64("2147483648"), 2147483648),
  number("-2147483648", int32(-2147483648), -2147483648),
  number("-2147483649", int64("-2147483649"), -2147483649),
  number("9007199254740993", int64("9007199254740993"), 9007199254740992),
  number("9223372036854775807", int64("9223372036854775807"), 9223372036854775808),
  number("-9223372036854775808", int64("-9223372036854775808"), -9223372036854775808),
  number("9223372036854775808", decimal("9223372036854775808"), 9223372036854775808),
  number("-9223372036854775809", decimal("-9223372036854775809"), -9223372036854775808),
  number("1.5", decimal("1.5"), 1.5),
  number("-0.1", decimal("-0.1"), -0.1),
  number("3.14159265358979323846", decimal("3.14159265358979323846"), 3.141592653589793),
  number(NINES_34, decimal(NINES_34), 1e34),
  number(DIGITS_35, DIGITS_35, 1.234567890123457e34),
  number(DIGITS_38, DIGITS_38, 1.2345678901234568e37),
  number(FRACTION_38, FRACTION_38, -1.2345678901234568e29),
  number(`0.${zeros(129)}1`, decimal("1E-130"), 1e-130),
  number(`999${zeros(123)}`, decimal("9.99E+125"), 9.99e125),
  number(`-1${zeros(125)}`, decimal("-1E+125"), -1e125),
  number(`${NINES_34}9999${zeros(88)}`, `${NINES_34}9999${zeros(88)}`, 1e126),
];

/** A value that is the same in `change` and `mchange`. */
function same(name: string, sent: object, plain: unknown, raw?: unknown): ValueCase {
  return { name, sent, change: plain, mchange: plain, ...(raw !== undefined && { raw }) };
}

const CONTAINERS: ValueCase[] = [
  same("empty list", { L: [] }, []),
  same("empty map", { M: {} }, {}),
  same("empty containers in a list", { L: [{ L: [] }, { M: {} }, { S: "" }] }, [[], {}, ""]),
  {
    name: "list of everything",
    sent: {
      L: [
        { S: "a" },
        { N: "1" },
        { N: "1.5" },
        { B: "AQI=" },
        { BOOL: false },
        { NULL: true },
        { SS: ["s"] },
      ],
    },
    change: ["a", int32(1), decimal("1.5"), binary("AQI="), false, null, ["s"]],
    mchange: ["a", double(1), double(1.5), binary("AQI="), false, null, ["s"]],
    raw: {
      L: [
        { S: "a" },
        { N: "1" },
        { N: "1.5" },
        { B: binary("AQI=") },
        { BOOL: false },
        { NULL: true },
        { SS: ["s"] },
      ],
    },
  },
  {
    name: "map of everything",
    sent: {
      M: {
        n: { N: "7" },
        deep: { M: { b: { B: "AA==" }, l: { L: [{ N: "-2" }] } } },
        nothing: { NULL: true },
      },
    },
    change: { n: int32(7), deep: { b: binary("AA=="), l: [int32(-2)] }, nothing: null },
    mchange: { n: double(7), deep: { b: binary("AA=="), l: [double(-2)] }, nothing: null },
    raw: {
      M: {
        n: { N: "7" },
        deep: { M: { b: { B: binary("AA==") }, l: { L: [{ N: "-2" }] } } },
        nothing: { NULL: true },
      },
    },
  },
  {
    name: "number set of all kinds",
    sent: { NS: ["5000000000", "1.5", "3", DIGITS_38] },
    change: [int64("5000000000"), decimal("1.5"), int32(3), DIGITS_38],
    mchange: [double(5e9), double(1.5), double(3), double(1.2345678901234568e37)],
  },
];

const NAMES: ValueCase[] = [
  "__proto__",
  "_bsontype",
  "$x",
  "$set",
  "a.b",
  ".",
  "constructor",
  "toString",
  "ключ",
  "名前",
  "😀",
  " ",
  "0",
  "$",
  "length",
].map((name) => same(`map with ${name}`, { M: { [name]: { S: "v" } } }, { [name]: "v" }));

/** A 32nd level holds a string: as many as DynamoDB allows. */
function nested(wrap: (inner: object) => object, leaf: object): object {
  let value = leaf;
  for (let level = 0; level < 31; level++) value = wrap(value);
  return value;
}

/** All cases. */
export const VALUE_CASES: readonly ValueCase[] = [
  same("string", { S: "text" }, "text"),
  same("empty string", { S: "" }, ""),
  same("string with NUL", { S: "a\0b\0" }, "a\0b\0"),
  same("string of Unicode", { S: LONG_TEXT }, LONG_TEXT),
  same("short Unicode", { S: "é😀" }, "é😀"),
  same("long string", { S: "0123456789".repeat(3000) }, "0123456789".repeat(3000)),
  same("string that looks like a number", { S: "12" }, "12"),
  same("binary", { B: "AAECAwT/" }, binary("AAECAwT/"), { B: binary("AAECAwT/") }),
  same("empty binary", { B: "" }, binary(""), { B: binary("") }),
  same("true", { BOOL: true }, true),
  same("false", { BOOL: false }, false),
  same("null", { NULL: true }, null),
  same("string set", { SS: ["b", "a", "é"] }, ["b", "a", "é"]),
  same("binary set", { BS: ["AQ==", "/w=="] }, [binary("AQ=="), binary("/w==")], {
    BS: [binary("AQ=="), binary("/w==")],
  }),
  ...NUMBERS,
  ...CONTAINERS,
  ...NAMES,
  same(
    "32 levels of maps",
    nested((m) => ({ M: { m } }), { S: "end" }),
    nested((m) => ({ m }), "end" as never),
  ),
  same(
    "32 levels of lists",
    nested((l) => ({ L: [l] }), { S: "end" }),
    nested((l) => [l], "end" as never),
  ),
];
