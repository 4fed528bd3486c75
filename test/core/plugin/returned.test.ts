/** What a target says of a write. */
import { expect, test } from "bun:test";
import { checkedResult } from "../../../core/plugin/returned.ts";

const WRITTEN = { inserted: 1, replaced: 0, deleted: 0, duplicates: 0, ms: 4 };

test("a duration is none below zero, when the clock was set back meanwhile", () => {
  expect(checkedResult(WRITTEN)).toEqual(WRITTEN);
  expect(checkedResult({ ...WRITTEN, ms: -4000 })).toEqual({ ...WRITTEN, ms: 0 });
});

test.each([{ inserted: -1 }, { ms: Number.NaN }, { deleted: undefined as never }])("refused: %j", (wrong) => {
  expect(() => checkedResult({ ...WRITTEN, ...wrong })).toThrow(/doesn't say/);
});
