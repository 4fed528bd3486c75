/** How an error is shown: its lines, its hint, its exit code. */
import { expect, test } from "bun:test";
import { printError } from "../../bin/errors.ts";
import { MigrationError } from "../../core/errors.ts";

function print(error: unknown, debug = false) {
  let text = "";
  const exit = printError(error, { debug, stream: { write: (part: string) => (text += part) } });
  return { text, exit };
}

test("an error is its code, what happened, and the hint", () => {
  const error = new MigrationError("TARGET_EXISTS", "the collection is there already: orders", {
    hint: "set target.db.exist",
  });
  expect(print(error)).toEqual({
    text: "error [TARGET_EXISTS] the collection is there already: orders\nhint: set target.db.exist\n",
    exit: 2,
  });
});

test("without a hint there is no hint line", () => {
  expect(print(new MigrationError("SOURCE_GONE", "gone: orders")).text).toBe(
    "error [SOURCE_GONE] gone: orders\n",
  );
});

test("problems on lines of their own stay there", () => {
  const error = new MigrationError("CONFIG_INVALID", "two problems:\n  line 3: a\n  line 9: b", {
    hint: "see both",
  });
  expect(print(error).text).toBe(
    "error [CONFIG_INVALID] two problems:\n  line 3: a\n  line 9: b\nhint: see both\n",
  );
});

test("the exit code may be the signal's", () => {
  expect(print(new MigrationError("INTERRUPTED", "stopped", { exit: 143 })).exit).toBe(143);
});

test.each([
  ["TypeError: x is not a function", new TypeError("x is not a function")],
  ["thrown text", "thrown text"],
])("what nobody translated is a defect: %s", (message, thrown) => {
  const { text, exit } = print(thrown);
  expect(text).toStartWith(`error [INTERNAL] ${message}\nhint: `);
  expect(text).not.toContain("errors.test.ts");
  expect(exit).toBe(1);
});

test("at debug level the stack follows, with every cause once", () => {
  const root = new Error("connection refused");
  const middle = new Error("no server", { cause: root });
  root.cause = middle;
  const { text } = print(
    new MigrationError("TARGET_UNREACHABLE", "no answer: db:1", { cause: middle, hint: "h" }),
    true,
  );
  expect(text).toStartWith("error [TARGET_UNREACHABLE] no answer: db:1\nhint: h\n");
  expect(text.match(/caused by Error: no server/g)).toHaveLength(1);
  expect(text.match(/caused by Error: connection refused/g)).toHaveLength(1);
  expect(text.match(/errors\.test\.ts/g)?.length).toBeGreaterThanOrEqual(3);
});
