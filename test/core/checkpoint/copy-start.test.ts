/** Whether a stream reaches back to where a copy began. */
import { expect, test } from "bun:test";
import { isReached, unreached } from "../../../core/checkpoint/copy-start.ts";
import { testTable } from "../../fakes/context.ts";

const HOUR = 3_600_000;

test.each<[string, number, string | undefined, string | undefined, boolean]>([
  ["begun an hour ago", 1, "arn", "arn", true],
  ["begun so long ago that its first changes may have expired", 23.1, "arn", "arn", false],
  ["whose stream is another one now", 1, "arn", "other", false],
  ["whose stream is disabled now", 1, "arn", undefined, false],
  ["begun by a clock that was a minute ahead", -1 / 60, "arn", "arn", true],
  ["begun by a clock that was hours ahead", -20, "arn", "arn", false],
  ["that had no stream", 1, undefined, "arn", false],
  ["that has none at all", 1, undefined, undefined, false],
])("a copy %s", (_, hours, then, now, reached) => {
  expect(isReached({ at: Date.now() - hours * HOUR, stream: then }, now)).toBe(reached);
});

test("a time that is still to come isn't said to be long ago", () => {
  const message = (at: number): string => unreached(testTable("pk"), { at, stream: "arn" }).message;
  expect(message(Date.now() - 30 * HOUR)).toContain("further back than the stream is");
  expect(message(Date.now() + 20 * HOUR)).toMatch(/a time that nobody knows: .* is still to come/);
});
