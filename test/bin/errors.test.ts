/** How an error is shown: its lines, its hint, its exit code. */
import { expect, test } from "bun:test";
import { printError } from "../../bin/errors.ts";
import { createRedactor } from "../../core/config/redact.ts";
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

test.each([
  ["two problems:\n  line 3: a\n  line 9: b", "two problems: line 3: a; line 9: b"],
  ["the server says\r\n\r\n  no.\n", "the server says; no."],
  [
    "an attribute \u001B[2Jx\u0007\u202Ey\rerror [FORGED] z",
    "an attribute \\x1b[2Jx\\x07\\u202ey\\x0derror [FORGED] z",
  ],
])("what happened and the hint are one line each, whatever is in them: %j", (message, shown) => {
  const error = new MigrationError("CONFIG_INVALID", message, { hint: message });
  expect(print(error).text).toBe(`error [CONFIG_INVALID] ${shown}\nhint: ${shown}\n`);
});

test.each(["text", "json"] as const)(
  "a secret that no line can hold is hidden all the same: %s",
  (format) => {
    const secret = "abc\ndef\u0007gh\u202Eij\\k";
    const redact = createRedactor({ "source.secret_access_key": secret });
    const error = new MigrationError("SOURCE_DENIED", `refused: ${secret}`, { hint: `not ${secret}` });
    for (const debug of [false, true]) {
      let text = "";
      printError(error, { debug, format, redact, stream: { write: (part: string) => (text += part) } });
      expect(text).toContain("refused: ***");
      expect(text).not.toMatch(/abc|def|gh|ij/);
    }
  },
);

test("in JSON it is one object, with the stack at debug level only", () => {
  const error = new MigrationError("TARGET_FAILED", 'it says "no"\nat all: table orders, shard shardId-1', {
    hint: "ask",
    cause: new Error("below"),
  });
  const object = (debug: boolean): unknown => {
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    printError(error, { debug, format: "json", isTable: (name) => name === "orders", stream });
    expect(written.join("")).toMatch(/^[^\n]*\n$/);
    return JSON.parse(written.join(""));
  };
  const known = {
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: "error",
    message: 'it says "no"; at all: table orders, shard shardId-1',
    table: "orders",
    shard: "shardId-1",
    code: "TARGET_FAILED",
    hint: "ask",
  };
  expect(object(false)).toEqual(known);
  expect(object(true)).toEqual({ ...known, stack: expect.stringContaining("caused by Error: below") });
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
