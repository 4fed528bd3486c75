/** Which keys an item can have. */
import { expect, test } from "bun:test";
import { isPossibleKey } from "../../../core/schema/possible-key.ts";
import { testTable } from "../../fakes/context.ts";

test.each<[string, string, object, boolean]>([
  ["text", "pk", { S: "a" }, true],
  ["no text", "pk", { S: "" }, false],
  ["2048 bytes", "pk", { S: "é".repeat(1024) }, true],
  ["a byte more", "pk", { S: `a${"é".repeat(1024)}` }, false],
  ["half a surrogate pair", "pk", { S: "\ud800" }, false],
  ["another type", "pk", { N: "1" }, false],
  ["a number", "pk:N", { N: "-1.50" }, true],
  ["zero", "pk:N", { N: "0" }, true],
  ["38 digits", "pk:N", { N: "1".repeat(38) }, true],
  ["39 digits", "pk:N", { N: "1".repeat(39) }, false],
  ["the largest number", "pk:N", { N: `${"9".repeat(38)}e88` }, true],
  ["a larger one", "pk:N", { N: "1e126" }, false],
  ["the smallest number", "pk:N", { N: "1e-130" }, true],
  ["a smaller one", "pk:N", { N: "1e-131" }, false],
  ["no number", "pk:N", { N: "NaN" }, false],
  ["bytes", "pk:B", { B: "AQID" }, true],
  ["no bytes", "pk:B", { B: "" }, false],
  ["no base64", "pk:B", { B: "AQI!" }, false],
])("%s", (_, partition, value, isPossible) => {
  expect(isPossibleKey({ pk: value }, testTable(partition))).toBe(isPossible);
});

test("a sort key takes less than a partition key", () => {
  const key = (length: number) => ({ pk: { S: "x".repeat(2048) }, sk: { S: "x".repeat(length) } });
  expect([1024, 1025].map((length) => isPossibleKey(key(length), testTable("pk", "sk")))).toEqual([
    true,
    false,
  ]);
});
