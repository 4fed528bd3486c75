/** What plugins return, and what is made of it. */
import { expect, test } from "bun:test";
import { checkedResult } from "../../../core/plugin/returned.ts";

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
