/** What plugins return, and what is made of it. */
import { describe, expect, test } from "bun:test";
import { readState, unitSchema } from "../../../core/checkpoint/run-state.ts";
import { checkedOverflow, checkedResult, checkPage } from "../../../core/plugin/returned.ts";
import type { MigrationError } from "../../../core/errors.ts";
import type { Page, Table } from "../../../core/types.ts";

const RESULT = { inserted: 1, replaced: 0, deleted: 0, duplicates: 0, ms: 5 };

test("a write that took less than no time, by a clock that was set back, took none", () => {
  expect(checkedResult({ ...RESULT, ms: -3600 })).toEqual({ ...RESULT, ms: 0 });
  expect(checkedResult(RESULT)).toBe(RESULT);
});

test.each([{ ms: Number.NaN }, { ms: undefined }, { inserted: -1 }, { deleted: Number.POSITIVE_INFINITY }])(
  "%p is no count",
  (wrong) => {
    expect(() => checkedResult({ ...RESULT, ...wrong } as never)).toThrow(
      expect.objectContaining({
        code: "PLUGIN_INVALID",
        message: expect.stringContaining(Object.keys(wrong)[0]!),
      }),
    );
  },
);

describe("what is taken of a plugin is a state that the next start can read:", () => {
  const table = { name: "t" } as Table;
  const counts = { read: 1, filtered: 0, overflowed: 0, bytes: 1 };
  const page = (changes: object): Page => ({ records: [], bytes: 1, position: undefined, ...changes });
  const taken = (look: () => unknown): unknown => {
    try {
      return look() ?? "taken";
    } catch (error) {
      return (error as MigrationError).code;
    }
  };

  test("bytes with a fraction, of a plugin that estimates them", () => {
    expect(taken(() => checkPage(page({ bytes: 12.5 }), table))).toBe("taken");
    expect(readState(unitSchema, { ...counts, bytes: 12.5 }, "here")).toEqual({ ...counts, bytes: 12.5 });
    for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(taken(() => readState(unitSchema, { ...counts, bytes }, "here"))).toBe("CHECKPOINT_MISMATCH");
    }
  });

  test.each([[null], [5], ["a"], [["a"]]])("not the position %p", (position) => {
    expect(taken(() => checkPage(page({ position }), table))).toBe("PLUGIN_INVALID");
    expect(taken(() => checkPage(page({ position: { a: 1 } }), table))).toBe("taken");
  });

  test("not half a number that wasn't held exactly", () => {
    expect(taken(() => checkedOverflow({ overflowed: 0.5 }, table))).toBe("PLUGIN_INVALID");
    expect(taken(() => checkedOverflow({ overflowed: 2 }, table))).toBe(2);
  });
});
