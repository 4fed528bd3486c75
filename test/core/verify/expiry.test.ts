/** What has expired on the side that has it, in every form, and under plugins. */
import { expect, test } from "bun:test";
import type { StoredValue } from "../../../core/plugin/stored.ts";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import { createExpiry } from "../../../core/verify/expiry.ts";
import type { Look } from "../../../core/verify/look.ts";
import type { Item } from "../../../core/types.ts";
import change from "../../../plugins/convert/change.ts";
import raw from "../../../plugins/convert/raw.ts";
import { testConfig, testTable } from "../../fakes/context.ts";

const seconds = (hoursAgo: number): string => String(Math.floor(Date.now() / 1000 - hoursAgo * 3600));
const ITEM: Item = { pk: { S: "a" }, "the.ttl": { N: seconds(1) } };

const look = (of: Partial<Look>): Look => ({
  key: { pk: { S: "a" } },
  wanted: { op: "delete", event: "REMOVE", keys: { pk: { S: "a" } } },
  found: [],
  isEqual: false,
  isSkipped: false,
  source: "",
  target: "",
  ...of,
});

const document = (fields: Record<string, StoredValue>): StoredValue => ({
  type: "document",
  fields: new Map(Object.entries(fields)),
});
const typed = (ttl: string): StoredValue => document({ N: { type: "string", value: ttl } });
const double = (ttl: string): StoredValue => ({ type: "double", value: { $numberDouble: `${ttl}.0` } });

async function context(
  convert: typeof raw,
  warned: string[] = [],
  plugin?: Parameters<OwnedContext["use"]>[0],
): Promise<OwnedContext> {
  const none = (): void => {};
  const log = { info: none, debug: none, error: none, warn: (text: string) => void warned.push(text) };
  const ctx = createContext({ config: testConfig(), log: log as never });
  await ctx.use(convert);
  if (plugin !== undefined) await ctx.use(plugin);
  return ctx;
}

test.each<[string, typeof raw, Partial<Look>, boolean]>([
  ["at the target, plain", change, { found: [document({ "the.ttl": double(seconds(1)) })] }, true],
  ["at the target, typed", raw, { found: [document({ "the.ttl": typed(seconds(1)) })] }, true],
  ["at the target, typed, not yet", raw, { found: [document({ "the.ttl": typed(seconds(-1)) })] }, false],
  [
    "at the target, typed, another type",
    raw,
    { found: [document({ "the.ttl": document({ S: double("1") }) })] },
    false,
  ],
  ["at the target, without", raw, { found: [document({})] }, false],
  ["at the source, typed", raw, { item: ITEM }, true],
  [
    "at the source, as a plugin has left it",
    change,
    { item: ITEM, record: { op: "put", event: "SCAN", keys: {}, item: {} } },
    true,
  ],
  ["at the source, not yet", change, { item: { "the.ttl": { N: seconds(-1) } } }, false],
  ["on neither side", change, {}, false],
])("%s", async (_, convert, of, expected) => {
  await using ctx = await context(convert);
  expect(createExpiry(ctx, testTable("pk"), "the.ttl")(look(of))).toBe(expected);
  expect(createExpiry(ctx, testTable("pk"), undefined)(look(of))).toBe(false);
});

test("that it can't be told under a plugin is said once, and without one not at all", async () => {
  for (const edits of [true, false]) {
    const warned: string[] = [];
    const plugin = {
      name: "edits",
      setup: (ctx: OwnedContext) => void (edits && ctx.hook("convert:before", () => {})),
    };
    await using ctx = await context(change, warned, plugin as never);
    const isExpired = createExpiry(ctx, testTable("pk"), "ttl");
    for (let n = 0; n < 3; n++) isExpired(look({ found: [document({})] }));
    expect(warned.map((text) => /table t: .* ttl/.test(text))).toEqual(edits ? [true] : []);
  }
});
