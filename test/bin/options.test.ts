/** What was typed after a command, as what it means. */
import { afterEach, expect, test } from "bun:test";
import { flagsOf } from "../../bin/commands/options.ts";

const VARIABLE = "NIMO_TARGET_ADDRESS";
const before = process.env[VARIABLE];
afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

test("a configuration file may be left out when --set gives a key", () => {
  expect(flagsOf({ set: ["id=a", "sync_mode=full"] })).toEqual({
    file: undefined,
    set: ["id=a", "sync_mode=full"],
    plugins: [],
    fresh: false,
    again: false,
  });
});

test("or the environment", () => {
  process.env[VARIABLE] = "mongodb://127.0.0.1";
  expect(flagsOf({}).file).toBeUndefined();
});

test.each([[{}], [{ plugin: "filter" }], [{ set: [] }]])(
  "with nothing given it is refused: %j",
  (options) => {
    process.env[VARIABLE] = " ";
    expect(() => flagsOf(options)).toThrow("no configuration file is given");
  },
);

test("two files are refused", () => {
  expect(() => flagsOf({ conf: ["a", "b"] })).toThrow("more than one configuration file");
});
