/** A source that throttles, refuses, cuts, dawdles and talks nonsense: what passes is sat out, the rest is said. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { startStandIn } from "../stand-in/dynamodb.ts";
import type { Call, Misbehaviour, StandInItem } from "../stand-in/dynamodb.ts";
import { expectVerified } from "./equal.ts";
import { scenario, someItems } from "./helpers.ts";
import type { Outcome, Settings } from "./helpers.ts";
import { expectRefusal } from "./refusals.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;

interface Result {
  run: Outcome;
  /** The `n` of every document in `t`. */
  copied: number[];
  collections: string[];
  scans: number;
}

async function runAgainst(
  misbehave: (call: Call) => Misbehaviour | undefined,
  settings: Settings = {},
  items: StandInItem[] = someItems(40),
  patience?: number,
): Promise<Result> {
  await using s = await scenario();
  await using source = await startStandIn({ tables: { t: { items } }, misbehave });
  const changes = {
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": "",
    "qps.full.batch_num": 10,
    ...settings,
  };
  const run = patience === undefined ? await s.cli(changes) : await s.attempt(changes, { patience });
  const copied = (await s.documents("t")).map(({ n }) => Number(n)).sort((a, b) => a - b);
  if (run.code === 0) {
    await using sound = await startStandIn({ tables: { t: { items } } });
    await expectVerified(s, items.length, { ...changes, "source.endpoint_url": sound.endpoint });
  }
  return { run, copied, collections: await s.collections(), scans: source.count("Scan") };
}

/** At the second Scan, as often as said. */
const secondScan =
  (wrong: Misbehaviour, times = 1) =>
  ({ operation, number }: Call) =>
    operation === "Scan" && number >= 2 && number < 2 + times ? wrong : undefined;
const every =
  (name: string, wrong: Misbehaviour) =>
  ({ operation }: Call) =>
    operation === name ? wrong : undefined;

const ALL = Array.from({ length: 40 }, (_, n) => n);
const SERVER_ERROR = { error: "InternalServerError", status: 500 };

describe("what passes", () => {
  test.concurrent.each<[string, (call: Call) => Misbehaviour | undefined, Settings]>([
    ["ThrottlingException, twice", secondScan({ error: "ThrottlingException" }, 2), {}],
    [
      "ProvisionedThroughputExceededException, twice",
      secondScan({ error: "ProvisionedThroughputExceededException" }, 2),
      {},
    ],
    ["500, twice", secondScan(SERVER_ERROR, 2), {}],
    ["503 in plain text", secondScan({ text: "try later", status: 503 }), {}],
    [
      "throttled ListTables",
      ({ operation, number }) =>
        operation === "ListTables" && number === 1 ? { error: "ThrottlingException" } : undefined,
      {},
    ],
    [
      "500 for DescribeTable",
      ({ operation, number }) => (operation === "DescribeTable" && number === 1 ? SERVER_ERROR : undefined),
      {},
    ],
    ["a connection cut in mid-body", secondScan("cut"), {}],
    ["a digit that was changed on its way", secondScan("corrupt"), {}],
    ["the same where the SDK makes the call", secondScan("corrupt"), { "log.level": "debug" }],
    ["a connection closed without an answer", secondScan("hang up"), {}],
    [
      "an answer later than the timeout",
      secondScan({ delayMs: 2 * SECOND }),
      { "source.session.timeout": 500 },
    ],
    [
      "a late answer, without timeout",
      secondScan({ delayMs: 1.5 * SECOND }),
      { "source.session.timeout": 0 },
    ],
  ])("%s: everything arrives once", async (_, misbehave, settings) => {
    const { run, copied, scans } = await runAgainst(misbehave, settings);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(copied).toEqual(ALL);
    expect(scans).toBeLessThan(8);
  });

  test.each([0, 2])("empty pages with a key to go on from, indented by %d", async (indent) => {
    const keys = ALL.map((n) => ({ pk: { S: `k${n}` } }));
    const page = (Items: object[], LastEvaluatedKey?: object): Misbehaviour => ({
      text: JSON.stringify({ Items, ...(LastEvaluatedKey && { LastEvaluatedKey }) }, null, indent),
    });
    const pages = [
      page([], keys[0]),
      page(someItems(40).slice(0, 3), keys[2]),
      page([], keys[3]),
      page([], keys[4]),
      page(someItems(40).slice(3), keys[39]),
      page([]),
    ];
    const { run, copied, scans } = await runAgainst(({ operation, number }) =>
      operation === "Scan" ? pages[number - 1] : undefined,
    );
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(copied).toEqual(ALL);
    expect(scans).toBe(6);
  });
});

describe("what doesn't pass", () => {
  const slow = { "source.session.timeout": 300, "source.session.max_retries": 1 };
  const once = { "source.session.max_retries": 1 };

  test.concurrent.each<
    [string, string, (call: Call) => Misbehaviour | undefined, (string | RegExp)[], Settings]
  >([
    [
      "refused credentials",
      "SOURCE_DENIED",
      every("ListTables", { error: "UnrecognizedClientException" }),
      ["source.access_key_id"],
      {},
    ],
    [
      "an expired token",
      "SOURCE_DENIED",
      every("ListTables", { error: "ExpiredTokenException" }),
      ["token"],
      {},
    ],
    [
      "no right to list tables",
      "SOURCE_DENIED",
      every("ListTables", { error: "AccessDeniedException" }),
      ["ListTables"],
      {},
    ],
    [
      "no right to describe",
      "SOURCE_DENIED",
      every("DescribeTable", { error: "AccessDeniedException" }),
      ["DescribeTable of table t"],
      {},
    ],
    [
      "no right to scan",
      "SOURCE_DENIED",
      every("Scan", { error: "AccessDeniedException" }),
      ["Scan of table t"],
      {},
    ],
    [
      "a table deleted before it is described",
      "SOURCE_GONE",
      every("DescribeTable", { error: "ResourceNotFoundException" }),
      ["table t", "filter.collection.black"],
      {},
    ],
    [
      "a table deleted while it is read",
      "SOURCE_GONE",
      secondScan({ error: "ResourceNotFoundException" }, 99),
      ["Scan of table t", "filter.collection.black"],
      {},
    ],
    [
      "a filter DynamoDB refuses",
      "SOURCE_FAILED",
      every("Scan", { error: "ValidationException" }),
      ["full.read.filter_expression"],
      {},
    ],
    [
      "throttling for ever",
      "SOURCE_THROTTLED",
      every("Scan", { error: "ProvisionedThroughputExceededException" }),
      ["qps.full"],
      once,
    ],
    ["500 for ever", "SOURCE_FAILED", every("Scan", SERVER_ERROR), ["InternalServerError"], once],
    ["connections cut for ever", "SOURCE_UNREACHABLE", every("Scan", "cut"), ["Scan of table t"], once],
    ["hung up for ever", "SOURCE_UNREACHABLE", every("ListTables", "hang up"), ["source.endpoint_url"], once],
    [
      "late for ever",
      "SOURCE_UNREACHABLE",
      every("Scan", { delayMs: 5 * SECOND }),
      ["source.session.timeout"],
      slow,
    ],
    ["nonsense for ever", "SOURCE_FAILED", every("Scan", { text: "<html>" }), ["Scan of table t"], once],
    ["an empty answer", "SOURCE_FAILED", every("Scan", { text: "" }), ["Scan of table t"], once],
    [
      "nonsense instead of tables",
      "SOURCE_FAILED",
      every("ListTables", { text: "<html>" }),
      ["ListTables"],
      once,
    ],
    [
      "a web page instead of an error",
      "SOURCE_FAILED",
      every("ListTables", { text: "<html>not here", status: 404 }),
      ["ListTables"],
      once,
    ],
  ])("%s", async (_, code, misbehave, says, settings) => {
    const { run, collections } = await runAgainst(misbehave, settings, someItems(40), SECOND);
    expectRefusal(run, { exit: 1, code, says });
    expect(run.ms).toBeLessThan(15 * SECOND);
    // whatever fails before the first Scan leaves the target untouched
    if (!run.stderr.includes("Scan of")) expect(collections).toEqual([]);
  });

  test("a page that comes twice is seen, when the unique index is built", async () => {
    const items = someItems(10);
    const { run } = await runAgainst(
      ({ operation, number }) =>
        operation === "Scan" && number <= 2
          ? { result: { Items: items, LastEvaluatedKey: { pk: { S: "k9" } } } }
          : undefined,
      {},
      items,
    );
    expectRefusal(run, { exit: 1, code: "DUPLICATE_KEY", says: ["table t"] });
  });

  test.concurrent.each<[string, string, string[], Settings]>([
    ["a NUL in a name", '{"pk":{"S":"bad"},"a\\u0000b":{"S":"x"}}', ["NUL"], {}],
    ["a NUL in a nested name", '{"pk":{"S":"bad"},"m":{"M":{"a\\u0000b":{"S":"x"}}}}', ["NUL"], {}],
    ["half a surrogate pair", '{"pk":{"S":"bad"},"v":{"S":"a\\ud800"}}', ["Unicode"], {}],
    ["half a surrogate pair in a name", '{"pk":{"S":"bad"},"\\udc00":{"S":"x"}}', ["Unicode"], {}],
    ["an unknown type", '{"pk":{"S":"bad"},"v":{"X":"x"}}', ["X"], {}],
    ["an unknown type, raw", '{"pk":{"S":"bad"},"v":{"L":[{"X":"x"}]}}', ["X"], { "convert.type": "raw" }],
    ["a number that is none", '{"pk":{"S":"bad"},"v":{"N":"1x"}}', ["1x"], {}],
    [
      "a document beyond 16 MiB",
      `{"pk":{"S":"bad"},"v":{"S":"${"x".repeat(17 * 1024 * 1024)}"}}`,
      ["16 MiB"],
      {},
    ],
  ])("%s: names table and key", async (_, item, says, settings) => {
    const { run } = await runAgainst(every("Scan", { text: `{"Items":[${item}]}` }), settings);
    expectRefusal(run, { exit: 1, code: "DATA_UNFIT", says: ["table t", '{"pk":{"S":"bad"}}', ...says] });
    expect(run.stderr.length).toBeLessThan(1000);
  });
});
