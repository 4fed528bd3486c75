/** What a comparison says where keys aren't decided: in words and to programs alike. */
import { expect, test } from "bun:test";
import { verdictJson, verdictText } from "../../../bin/display/verdict.ts";
import type { Verdict } from "../../../core/run/verify.ts";
import { noneCompared } from "../../../core/verify/report.ts";

const verdict = (undecided: number, different: number): Verdict => ({
  tables: new Map([["t", { ...noneCompared(), compared: 5, undecided, different }]]),
  first: [],
  faults: different,
  path: "/w/x-diff.jsonl",
  isDifferent: different > 0,
});

test.each<[string, number, number, boolean | null, string]>([
  ["equal", 0, 0, true, "source and target are equal"],
  ["not decided", 3, 0, null, "nothing differs; keys that aren't decided: 3"],
  ["different", 0, 2, false, "source and target differ: 2 more, all 2 in /w/x-diff.jsonl"],
  [
    "different, and not decided",
    3,
    2,
    false,
    "source and target differ; keys that aren't decided: 3: 2 more, all 2 in /w/x-diff.jsonl",
  ],
])("%s", (_, undecided, different, isEqual, last) => {
  const said = verdict(undecided, different);
  expect(verdictJson(said)).toMatchObject({ isEqual, undecided, different });
  expect(verdictText(said).split("\n").at(-1)).toBe(last);
});
