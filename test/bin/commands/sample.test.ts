/** Samples as they are typed. */
import { expect, test } from "bun:test";
import { parseSample } from "../../../bin/commands/sample.ts";
import { failure } from "../../fakes/config.ts";

test.each([
  ["1000", { count: 1000 }],
  ["5%", { share: 0.05 }],
  ["0.5 %", { share: 0.005 }],
  ["100%", { share: 1 }],
])("%s", (text, sample) => {
  expect(parseSample("profile", text)).toEqual(sample);
});

test.each(["0", "0%", "101%", "-1", "1e3", "", "all", "1.5"])("%p is none", (text) => {
  expect(failure(() => parseSample("profile", text))).toMatchObject({
    code: "USAGE",
    message: `--profile ${text} is no sample`,
  });
});
