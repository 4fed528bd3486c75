/** When a check advises to read tables in more segments. */
import { expect, test } from "bun:test";
import { memorySource, testTable } from "../../fakes/context.ts";
import { checked } from "../../fakes/check.ts";

const GIB = 1024 ** 3;

test.each<[string, number, number, Record<string, string>, string[]]>([
  [
    "one is used",
    2 * GIB,
    1,
    {},
    ["t is large and read in one segment: full.read.concurrency = auto reads several at once"],
  ],
  [
    "few are",
    2 * GIB,
    3,
    {},
    ["t is large and read in few segments: full.read.concurrency = auto reads several at once"],
  ],
  ["four are", 2 * GIB, 4, {}, []],
  ["the table is small", GIB / 2, 1, {}, []],
  ["it is auto already", 2 * GIB, 1, { "full.read.concurrency": "auto" }, []],
])("of a table, when %s", async (_, sizeBytes, segments, settings, expected) => {
  const { tables: _tables, ...source } = memorySource(Array.from({ length: segments }, () => () => []));
  const table = testTable("pk", undefined, { name: "t", targetName: "t", itemCount: 1e6, sizeBytes });
  const { plan } = await checked({ tables: [table], source, settings });
  expect(plan.warnings.filter((each) => each.includes("full.read.concurrency = auto"))).toEqual(expected);
});
