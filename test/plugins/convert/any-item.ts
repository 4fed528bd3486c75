/** Items of every kind, for property tests. */
import fc from "fast-check";
import type { AttributeValue, Item } from "../../../core/types.ts";
import { itemOf } from "./behaviour.ts";
import { NAMES } from "./names.ts";

/** Strings of every plane, of lengths on both sides of the copying limits; some with half a pair. */
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  {
    weight: 6,
    arbitrary: fc.string({ unit: fc.constantFrom("a", '"', "\\", "/", "é", "😀", "\n"), maxLength: 60 }),
  },
  { weight: 1, arbitrary: fc.constantFrom("\ud800", "a\0b", "") },
);
const anyName = fc
  .oneof(
    { weight: 20, arbitrary: text.filter((name) => !name.includes("\0") || name === "a\0b") },
    { weight: 2, arbitrary: fc.constantFrom("_id", "pre_id", ...NAMES) },
  )
  // Objects put whole numbers first.
  .filter((name) => !/^\d+$/.test(name));
const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }).map(String),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.stringMatching(/^\d{1,19}$/))
    .map(([whole, fraction]) => `${whole}.${fraction}`),
);
const base64 = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const tree = fc.letrec<{ value: AttributeValue; map: Item; anyItem: Item }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 3, arbitrary: text.map((S) => ({ S })) },
    { weight: 3, arbitrary: number.map((N) => ({ N })) },
    base64.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc.array(text).map((SS) => ({ SS })),
    fc.array(number).map((NS) => ({ NS })),
    fc.array(base64).map((BS) => ({ BS })),
    tie("map").map((M) => ({ M })),
    fc.array(tie("value"), { maxLength: 12 }).map((L) => ({ L })),
  ) as fc.Arbitrary<AttributeValue>,
  map: fc
    .array(fc.tuple(anyName, tie("value")), { maxLength: 6 })
    .map((entries) => itemOf(entries as [string, AttributeValue][])),
  anyItem: fc
    .tuple(tie("map"), text)
    .map(([map, S]) => itemOf([...Object.entries(map as Item), ["pk", { S }]])),
}));

/** An item with a string key `pk`. */
export const anyItem: fc.Arbitrary<Item> = tree.anyItem;
