/** Whether a stream reaches back to where a copy began. */
import { expect, test } from "bun:test";
import { isReached } from "../../../core/checkpoint/copy-start.ts";

const HOUR = 3_600_000;

test.each<[string, number, string | undefined, string | undefined, boolean]>([
  ["begun an hour ago", 1, "arn", "arn", true],
  ["begun so long ago that its first changes may have expired", 23.1, "arn", "arn", false],
  ["whose stream is another one now", 1, "arn", "other", false],
  ["whose stream is disabled now", 1, "arn", undefined, false],
  ["that had no stream", 1, undefined, "arn", false],
  ["that has none at all", 1, undefined, undefined, false],
])("a copy %s", (_, hours, then, now, reached) => {
  expect(isReached({ at: Date.now() - hours * HOUR, stream: then }, now)).toBe(reached);
});
