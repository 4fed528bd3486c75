/** Sequence numbers compared: any length, leading zeros, none at all. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareSequence } from "../../../core/schema/sequence-number.ts";

test.each<[string | undefined, string | undefined, number]>([
  [undefined, undefined, 0],
  [undefined, "0", -1],
  ["0", undefined, 1],
  ["9", "10", -1],
  ["0009", "10", -1],
  ["10", "0009", 1],
  ["010", "10", 0],
  ["100000000003498069978", "100000000003498069979", -1],
])("%s and %s: %d", (one, other, expected) => {
  expect(compareSequence(one, other)).toBe(expected);
});

test("any two compare as the integers that they are, however many zeros they begin with", () => {
  const number = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 45n }), fc.nat(3));
  fc.assert(
    fc.property(number, number, ([one, zeros], [other, more]) => {
      const compared = compareSequence("0".repeat(zeros) + one, "0".repeat(more) + other);
      expect(compared).toBe(one === other ? 0 : one < other ? -1 : 1);
    }),
  );
});
