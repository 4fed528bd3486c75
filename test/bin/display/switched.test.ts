/** The last line of a run that was switched over. */
import { expect, test } from "bun:test";
import { switchedText } from "../../../bin/display/switched.ts";

test.each([
  [0, "no change was seen that was made after that"],
  [1, "1 change came that was made after that: somebody still writes to the source"],
  [1234, "1,234 changes came that were made after that: somebody still writes to the source"],
])("after %d changes", (changesAfter, says) => {
  const text = switchedText({ at: Date.UTC(2026, 10, 26, 12), changesAfter, isDone: true });
  expect(text).toBe(`switched over: all that was written until 2026/11/26 12:00:00 UTC is applied; ${says}`);
});
