/** What the benchmarks' flags mean. */
import { describe, expect, test } from "bun:test";
import { itemsOf, settingsOf, shapeOf, wholeNumber, withProfileFolder } from "../../bench/flags.ts";

test("a shape is one of four", () => {
  expect(shapeOf("large")).toBe("large");
  expect(() => shapeOf("tiny")).toThrow("--shape must be one of small, medium, large, huge");
});

describe("a whole number", () => {
  test("within its limits is taken", () => {
    expect(wholeNumber("runs", "1", 1, 100)).toBe(1);
    expect(wholeNumber("runs", "100", 1, 100)).toBe(100);
  });

  test.each(["0", "101", "-1", "1.5", "1e2", "", "ten"])("%p is refused", (text) => {
    expect(() => wholeNumber("runs", text, 1, 100)).toThrow("--runs must be a whole number from 1 to 100");
  });
});

test("large items are fewer, unless their number is given", () => {
  expect(itemsOf(undefined, "medium")).toBe(300_000);
  expect(itemsOf(undefined, "large")).toBe(30_000);
  expect(itemsOf("5", "large")).toBe(5);
});

test("a setting's value may have equals signs", () => {
  expect(settingsOf(["a = b=c", "d=e"])).toEqual({ a: "b=c", d: "e" });
});

test("--profile alone means the current folder", () => {
  expect(withProfileFolder(["--profile", "--profile=x", "--json"])).toEqual([
    "--profile=.",
    "--profile=x",
    "--json",
  ]);
});
