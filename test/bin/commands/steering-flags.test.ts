/** What is typed behind the commands that steer. */
import { describe, expect, test } from "bun:test";
import {
  parseChanges,
  parseTimeout,
  parseVerify,
  timeoutText,
} from "../../../bin/commands/steering-flags.ts";
import { MigrationError } from "../../../core/errors.ts";

const MINUTE = 60_000;

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MigrationError && error.code === "USAGE") return error.message;
    throw error;
  }
  return "it isn't refused";
}

describe("--timeout", () => {
  test.each(["10m", "1m 30s", "1s", "0.3s", "1.5s"])("of %s is told as it was asked for", (text) => {
    const ms = text === "1m 30s" ? 90_000 : parseTimeout(text);
    expect(timeoutText(ms)).toBe(text);
  });

  test.each([
    [undefined, 10 * MINUTE],
    ["30s", 30_000],
    [45, 45_000],
    ["1.5h", 90 * MINUTE],
    ["500ms", 500],
  ])("%p is %p ms", (given, ms) => expect(parseTimeout(given)).toBe(ms));

  test.each([
    ["soon", "--timeout soon is no time"],
    ["", "--timeout  is no time"],
    [true, "--timeout true is no time"],
    [0, "--timeout 0 can't be waited for"],
    // More than that no timer of the runtime waits.
    ["1000h", "--timeout 1000h can't be waited for"],
    [["1s", "2s"], "--timeout is given more than once"],
  ])("%p is refused", (given, why) => expect(refusal(() => parseTimeout(given))).toBe(why));
});

describe("--verify", () => {
  test.each([
    [undefined, undefined],
    [true, "all"],
    ["", "all"],
    [1000, { count: 1000 }],
    ["5%", { share: 0.05 }],
    ["100%", { share: 1 }],
  ])("%p is %p", (given, extent) => expect(parseVerify(given)).toEqual(extent as never));

  test.each([[0], ["0%"], ["101%"], ["-1"], ["all"], ["1.5"], [["1%", "2%"]]])("%p is refused", (given) =>
    expect(refusal(() => parseVerify(given))).toStartWith("--verify"),
  );
});

describe("the words of set", () => {
  test("are keys with their texts, which may be empty or have = in them", () => {
    const words = ["qps.full=5", " log.level = debug ", "full.read.capacity=", "a=b=c"];
    expect(parseChanges(words)).toEqual([
      ["qps.full", "5"],
      ["log.level", "debug"],
      ["full.read.capacity", ""],
      ["a", "b=c"],
    ]);
  });

  test.each([
    [["qps.full"], "set takes key=value"],
    // What isn't like a word may be a secret that lost its key.
    [["qps"], "set takes key=value: qps"],
    [["=5"], "set takes key=value"],
    [["a=1", "b=2", "a=1"], "the key a is given more than once"],
  ])("%j are refused", (words, why) => expect(refusal(() => parseChanges(words))).toBe(why));
});
