/** What says that both sides are equal: what a test reads itself, and `verify` beside it, which has to say the same. */
import { expect } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunVerifyOptions } from "../../core/run/verify.ts";
import type { Attributes, Scenario, Settings } from "./helpers.ts";
import { itemsByKey } from "./writer.ts";

const SECOND = 1000;

/** The source's items by key, each attribute as text. */
export async function sourceItems(endpoint: string, table: string): Promise<Map<string, object>> {
  const items = await itemsByKey(endpoint, table);
  const plain = (item: Attributes): object =>
    Object.fromEntries(
      Object.entries(item)
        .map(([name, value]) => [name, String(Object.values(value)[0])])
        .sort(),
    ) as object;
  return new Map([...items.values()].map((item) => [(item["pk"] as { S: string }).S, plain(item)]));
}

/** The target's documents in the same way; none has another one's key. */
export async function targetItems(s: Scenario, table: string): Promise<Map<string, object>> {
  const items = new Map<string, object>();
  for (const { _id, ...document } of await s.db.collection(table).find().toArray()) {
    expect(items.has(String(document["pk"]))).toBe(false);
    const plain = Object.entries(document).map(([name, value]) => [name, String(value)]);
    items.set(String(document["pk"]), Object.fromEntries(plain.sort()) as object);
  }
  return items;
}

/**
 * Waits until both sides are equal, and checks it once more with all details when they aren't in time.
 *
 * @param settings of the run
 * @param within in ms
 */
export async function expectEqual(
  s: Scenario,
  tables: string[],
  settings: Settings,
  options: Partial<RunVerifyOptions> = {},
  within: number = 30 * SECOND,
): Promise<void> {
  let count = 0;
  for (const table of tables) {
    const expected = await sourceItems(s.dynamoEndpoint, table);
    count += expected.size;
    const deadline = Date.now() + within;
    while (!Bun.deepEquals(await targetItems(s, table), expected) && Date.now() < deadline) await sleep(100);
    expect(await targetItems(s, table)).toEqual(expected);
  }
  await expectVerified(s, count, settings, { only: tables, ...options });
}

/**
 * `verify` says that both sides are equal, and has seen as many items as there are.
 *
 * @param settings of the run
 */
export async function expectVerified(
  s: Scenario,
  count: number,
  settings: Settings = {},
  options: Partial<RunVerifyOptions> = {},
): Promise<void> {
  const { tables, first, isDifferent } = await onceCopied(() => s.verify(settings, options));
  const sum = (name: "compared" | "equal" | "undecided"): number =>
    [...tables.values()].reduce((total, counts) => total + counts[name], 0);
  expect({ first, isDifferent }).toEqual({ first: [], isDifferent: false });
  expect([sum("compared"), sum("equal"), sum("undecided")]).toEqual([count, count, 0]);
}

/** As long as a run is copying, it is refused. */
async function onceCopied<T>(verify: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 30 * SECOND;
  for (;;) {
    try {
      return await verify();
    } catch (error) {
      if (!String(error).includes("still copying") || Date.now() > deadline) throw error;
    }
    await sleep(100);
  }
}
