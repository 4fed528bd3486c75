/** Which settings a run that goes on must share with the one that began. */
import { expect, test } from "bun:test";
import { changedSettings, fingerprint } from "../../../core/checkpoint/fingerprint.ts";
import { testConfig } from "../../fakes/context.ts";

const of = (settings: Record<string, string>) => fingerprint(testConfig(settings), new Map());

test("what decides how documents look may not change, what indexes there are may", () => {
  const then = of({});
  expect(changedSettings(then, of({ "convert.type": "raw" }))).toEqual([["convert.type", "change", "raw"]]);
  expect(changedSettings(then, of({ "full.enable_index.user": "false" }))).toEqual([]);
});

test("what an earlier version compared and this one doesn't may change; a plugin's options may not", () => {
  const then = { ...of({}), "full.enable_index.user": "true", "plugin.mask.*": "abc" };
  expect(changedSettings(then, of({}))).toEqual([["plugin.mask.*", "abc", ""]]);
});
