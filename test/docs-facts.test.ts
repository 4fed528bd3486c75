/** What the pages state in figures and names, where the code has them too. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { targetPolicy } from "../bin/init/iam-policy.ts";
import { ERROR_ADVICE } from "../core/error-advice.ts";
import { idleWait } from "../core/incr/poll-pacer.ts";
import { refuseView } from "../plugins/source/dynamodb-streams/enable-stream.ts";
import { renamedTo } from "../plugins/target/mongodb/names.ts";
import shapes from "../docs/performance/data/shapes.json" with { type: "json" };
import { testConfig } from "./fakes/context.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGES = ["README*.md", "docs/*.md"].flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)]);
const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

const SECOND = 1000;
const TERABYTE = 2 ** 40;

describe("a stream's view", () => {
  const isTaken = (StreamViewType: "NEW_IMAGE" | "OLD_IMAGE" | "KEYS_ONLY" | "NEW_AND_OLD_IMAGES") => {
    try {
      refuseView("t", { StreamSpecification: { StreamEnabled: true, StreamViewType } });
      return true;
    } catch {
      return false;
    }
  };
  const refused = (["NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES"] as const).filter(
    (view) => !isTaken(view),
  );

  test("that is refused is advised nowhere", () => {
    expect(refused).toContain("NEW_IMAGE");
    const texts = [...PAGES.map(textOf), ...Object.values(ERROR_ADVICE).map(({ remedy }) => remedy)];
    expect(texts.filter((text) => refused.some((view) => new RegExp(`\\b${view}\\b`).test(text)))).toEqual(
      [],
    );
  });
});

test("a collection that makes room has the name that the pages show", () => {
  const name = renamedTo("orders", new Date("2019-07-01T12:10:11Z"));
  for (const page of ["docs/targets.md", "docs/from-nimoshake.md"]) expect(textOf(page)).toContain(name);
});

test("the page of targets names every right that a DynamoDB target needs", () => {
  const { policy } = targetPolicy(
    testConfig({
      "target.type": "aliyun_dynamo_proxy",
      "target.address": "https://dynamodb.us-east-2.amazonaws.com",
      "target.db.exist": "drop",
    }),
  )!;
  const page = textOf("docs/targets.md");
  const actions = policy.Statement.flatMap(({ Action }) => Action.map((action) => action.split(":")[1]!));
  expect(actions.filter((action) => !new RegExp(`\\b${action}\``).test(page))).toEqual([]);
});

test("a quiet shard is asked as often as the quickstart says", () => {
  const longest = (shards: number): number => idleWait({ empties: 100, shards, quiet: 10 * SECOND });
  const page = textOf("docs/quickstart.md");
  expect(page).toContain("a quiet shard five a second with up to 64 shards");
  expect(SECOND / longest(64)).toBe(5);
  expect(page).toContain("one a second or fewer with many");
  expect(SECOND / longest(1000)).toBeLessThanOrEqual(1);
});

/** Two sittings differ by so much. */
function expectAbout(told: number, measured: number): void {
  expect(Math.abs(told / measured - 1)).toBeLessThan(0.15);
}

test("the time for 1 TB is what was measured", () => {
  const page = textOf("docs/quickstart.md");
  const told = /: ([\d.]+) h, ([\d.]+) h, ([\d.]+) h\./.exec(page)!.slice(1).map(Number);
  const rates = /about (\d+) MB a second of items of 120 B, (\d+) MB .*?, (\d+) MB/.exec(page)!;
  for (const [i, [shape, bytes]] of (
    [
      ["small", 120],
      ["medium", 704],
      ["large", 10_000],
    ] as const
  ).entries()) {
    const [perSecond] = shapes.points.find(({ x }) => x === shape)!.sides.tool.perSecond;
    const measured = perSecond! * bytes;
    expectAbout(Number(rates[i + 1]), measured / 1e6);
    expectAbout(told[i]!, TERABYTE / measured / 3600);
  }
});
