/** Numbers as BSON holds them, exactly or rounded. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Decimal128, Long } from "mongodb";
import { exactNumber, isExactDouble, roundedNumber } from "../../../plugins/_bson/number.ts";
import { parseDecimal } from "../../../core/schema/decimal.ts";
import { decimalParts } from "../../fakes/bson-types.ts";
import { decimals, equal, fraction, power, valueOf } from "../../fakes/decimals.ts";

const INT32 = 2n ** 31n;
const INT64 = 2n ** 63n;

const RUNS = { numRuns: 3000 };

describe("exactNumber", () => {
  test.each([
    ["0", 0],
    ["-0", 0],
    ["0.0", 0],
    ["1", 1],
    ["-1", -1],
    ["1.0", 1],
    ["007", 7],
    ["2147483647", 2147483647],
    ["-2147483648", -2147483648],
    ["1.00000000000000000000000000000000000000000", 1],
    ["1000000000.000000000000000000000000", 1000000000],
  ])("%s is the int32 %d", (text, expected) => {
    const value = exactNumber(text);
    expect(Object.is(value, expected)).toBe(true);
  });

  test.each([
    ["2147483648", 2147483648n],
    ["-2147483649", -2147483649n],
    ["999999999999999", 999999999999999n],
    ["1000000000000000", 1000000000000000n],
    ["9007199254740993", 9007199254740993n],
    ["-9007199254740993", -9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9000000000000000000", 9000000000000000000n],
  ])("%s is an int64", (text, expected) => {
    const value = exactNumber(text);
    expect(value).toBeInstanceOf(Long);
    expect((value as Long).toBigInt()).toBe(expected);
  });

  test.each([
    ["9223372036854775808", 9223372036854775808n, 0],
    ["-9223372036854775809", -9223372036854775809n, 0],
    ["0.1", 1n, -1],
    ["-0.1", -1n, -1],
    ["1.50", 150n, -2],
    ["0.0150", 150n, -4],
    ["10.5", 105n, -1],
    ["1234567890123456789012345678901234", 1234567890123456789012345678901234n, 0],
    ["0.1234567890123456789012345678901234", 1234567890123456789012345678901234n, -34],
    ["0.00000000000000123", 123n, -17],
    [`0.${"0".repeat(129)}1`, 1n, -130],
    [`-0.${"0".repeat(129)}1`, -1n, -130],
    [`999${"0".repeat(123)}`, 999n, 123],
  ])("%s is a Decimal128", (text, coefficient, exponent) => {
    const value = exactNumber(text);
    expect(value).toBeInstanceOf(Decimal128);
    expect(decimalParts((value as Decimal128).bytes)).toEqual({ coefficient, exponent });
  });

  test("holds every number of up to 34 digits, in the smallest type", () => {
    const property = fc.property(decimals(1, 34), (text) => {
      const value = exactNumber(text);
      const [numerator, denominator] = fraction(text);
      expect(equal(valueOf(value), [numerator, denominator])).toBe(true);
      const whole = numerator % denominator === 0n;
      const integer = numerator / denominator;
      if (whole && integer >= -INT32 && integer < INT32) expect(value).toBeNumber();
      else if (whole && integer >= -INT64 && integer < INT64) expect(value).toBeInstanceOf(Long);
      else expect(value).toBeInstanceOf(Decimal128);
    });
    fc.assert(property, RUNS);
  });

  test("is the driver's own Decimal128, bit by bit, where there is a fraction", () => {
    const fractions = decimals(1, 34).filter((text) => text.includes("."));
    const property = fc.property(fractions, (text) => {
      expect((exactNumber(text) as Decimal128).bytes).toEqual(Decimal128.fromString(text).bytes);
    });
    fc.assert(property, RUNS);
  });

  test("holds no number of 35 to 38 digits", () => {
    fc.assert(
      fc.property(decimals(35, 38), (text) => {
        expect(exactNumber(text)).toBeUndefined();
      }),
      RUNS,
    );
  });

  test("every integer around the limits", () => {
    for (const limit of [0n, INT32, -INT32, 10n ** 15n, INT64, -INT64, 10n ** 19n, 10n ** 33n]) {
      for (let near = limit - 3n; near <= limit + 3n; near++) {
        expect(equal(valueOf(exactNumber(String(near))), [near, 1n])).toBe(true);
      }
    }
  });
});

describe("what is no number", () => {
  const garbage = [
    "",
    " ",
    "-",
    "+",
    ".",
    "-.",
    "e5",
    "1e",
    "abc",
    "1a",
    "1.2.3",
    "--1",
    "1-",
    "NaN",
    "Infinity",
  ];
  test.each([...garbage, "0x10", "1_0", " 1", "1 ", "1\n", "١", "1,5", "1234567890123456x"])(
    "%j throws RangeError",
    (text) => {
      expect(() => exactNumber(text)).toThrow(RangeError);
      expect(() => parseDecimal(text)).toThrow(RangeError);
      expect(() => roundedNumber(text)).toThrow(RangeError);
    },
  );
});

describe("roundedNumber", () => {
  const nines = "9".repeat(34);
  const even = "1234567890123456789012345678901234";
  const odd = "1234567890123456789012345678901235";
  test.each([
    [`${even}4`, `${even}0`],
    [`${even}5`, `${even}0`],
    [`${even}51`, "123456789012345678901234567890123500"],
    [`${odd}5`, "12345678901234567890123456789012360"],
    [`-${odd}5`, "-12345678901234567890123456789012360"],
    [`0.${odd}4999`, `0.${odd}`],
    [`0.${odd}5000000001`, "0.1234567890123456789012345678901236"],
    [`${nines}9`, `1${"0".repeat(35)}`],
    [`${nines}4999`, `${nines}0000`],
    ["1", "1"],
    ["-0.25", "-0.25"],
    ["0", "0"],
  ])("%s is rounded to %s", (text, expected) => {
    expect(equal(valueOf(roundedNumber(text)), fraction(expected))).toBe(true);
  });

  test("rounds halves to even", () => {
    const ties = decimals(34, 34).map((text) => (text.includes(".") ? `${text}5` : `${text}.5`));
    const property = fc.property(fc.oneof(decimals(35, 38), ties), (text) => {
      const [numerator, denominator] = fraction(text);
      const size = numerator < 0n ? -numerator : numerator;
      const unit = power(String(size).length - 34);
      const rest = size % unit;
      let kept = size / unit;
      if (rest * 2n > unit || (rest * 2n === unit && kept % 2n === 1n)) kept++;
      const rounded = kept * unit * (numerator < 0n ? -1n : 1n);
      expect(equal(valueOf(roundedNumber(text)), [rounded, denominator])).toBe(true);
    });
    fc.assert(property, RUNS);
  });
});

describe("isExactDouble", () => {
  test.each([
    ["9007199254740992", true],
    ["9007199254740993", false],
    ["9007199254740994", true],
    ["-9007199254740993", false],
    ["9223372036854775808", true],
    ["9223372036854775807", false],
    // the double of both, which is the second: it can't stand for the first as well
    ["12345678901234567000", false],
    ["12345678901234567168", true],
    ["0.1", true],
    ["0.30000000000000004", true],
    ["0.3000000000000000444089209850062616169452667236328125", false],
    ["0.12345678901234567890", false],
    [`0.${"0".repeat(129)}1`, true],
    ["1.0000000000000000", true],
    ["0.0000000000000000", true],
    ["-0.0000000000000000", true],
  ])("%s: %p", (text, expected) => {
    expect(isExactDouble(text, Number(text))).toBe(expected);
  });

  test("an integer is exact when the double is that integer", () => {
    const digits = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n });
    const doubles = fc.maxSafeInteger().map((value) => BigInt(value) * 2048n);
    const property = fc.property(fc.oneof(digits, doubles), (integer) => {
      const double = Number(integer);
      expect(isExactDouble(String(integer), double)).toBe(BigInt(double) === integer);
    });
    fc.assert(property, RUNS);
  });

  test("a fraction is exact when the double's shortest notation is that fraction", () => {
    const short = fc
      .double({ min: 1e-7, max: 1e9, noNaN: true })
      .map(String)
      .filter((text) => !text.includes("e"));
    const property = fc.property(fc.oneof(decimals(1, 38), short), (text) => {
      const [numerator, denominator] = fraction(text);
      fc.pre(numerator % denominator !== 0n);
      expect(isExactDouble(text, Number(text))).toBe(
        equal([numerator, denominator], fraction(String(Number(text)))),
      );
    });
    fc.assert(property, RUNS);
  });
});
