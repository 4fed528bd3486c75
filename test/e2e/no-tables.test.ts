/** No table to migrate is no success: the region, the endpoint or the lists are wrong. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import { scenario, type Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const none: Plugin = {
  name: "none",
  setup: (ctx) => ctx.hook("setup", (event) => void (event.tables = [])),
};

test.each<[string, string[], Settings, Plugin[], (endpoint: string) => string[]]>([
  ["a source without tables", [], {}, [], (endpoint) => [endpoint, "eu-west-3", "source.region"]],
  [
    "a black list that has all",
    ["a1", "b2"],
    { "filter.collection.black": "a1;b2" },
    [],
    (endpoint) => [endpoint, "eu-west-3", "a1, b2", "filter.collection.black"],
  ],
  [
    "a white list where there are no tables",
    [],
    { "filter.collection.white": "a1" },
    [],
    (endpoint) => ["a1", endpoint, "eu-west-3"],
  ],
  ["a plugin that leaves all out", ["a1"], {}, [none], () => ["plugins leave out all 1"]],
])("%s", async (_, names, settings, plugins, says) => {
  await using s = await scenario();
  const tables = Object.fromEntries(names.map((name) => [name, { items: [] }]));
  await using source = await startStandIn({ tables });
  for (const mode of ["full", "all"]) {
    const run = await s.attempt(
      {
        sync_mode: mode,
        "source.endpoint_url": source.endpoint,
        "source.region": "eu-west-3",
        "filter.collection.white": "",
        ...settings,
      },
      { plugins },
    );
    expectRefusal(run, { exit: 2, code: "TABLE_MISSING", says: says(source.endpoint) });
  }
  expect(await s.collections()).toEqual([]);
});
