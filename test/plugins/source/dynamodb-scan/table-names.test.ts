/** The white and the black list: names, patterns, what is named in vain, and what needs no right to list. */
import { createConsola, type LogObject } from "consola";
import { expect, setDefaultTimeout, test } from "bun:test";
import { createContext } from "../../../../core/run/context.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { testConfig } from "../../../fakes/context.ts";
import { type StandIn, startStandIn } from "../../../stand-in/dynamodb.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const TABLES = Object.fromEntries(
  ["a.b", "axb", "log-1", "log-2", "orders"].map((name) => [name, { items: [] }]),
);

/** The tables that these lists leave, and the warnings. */
async function tablesOf(
  source: StandIn,
  lists: { white?: string; black?: string },
): Promise<{ tables: string[]; warnings: string[] }> {
  const lines: LogObject[] = [];
  const log = createConsola({ reporters: [{ log: (line) => void lines.push(line) }] });
  const config = testConfig({
    "source.endpoint_url": source.endpoint,
    "filter.collection.white": lists.white ?? "",
    "filter.collection.black": lists.black ?? "",
  });
  await using ctx = createContext({ config, log, patience: 1000 });
  await ctx.use(dynamodbScan);
  const tables = await ctx.role("source").tables(ctx.signal);
  const warnings = lines.filter(({ type }) => type === "warn").map(({ args }) => String(args[0]));
  return { tables: tables.map(({ name }) => name), warnings };
}

test.each<[{ white?: string; black?: string }, string[], string[]]>([
  [{}, ["a.b", "axb", "log-1", "log-2", "orders"], []],
  [{ white: "log-*;orders" }, ["log-1", "log-2", "orders"], []],
  [{ white: "a.*" }, ["a.b"], []],
  [{ white: "*" }, ["a.b", "axb", "log-1", "log-2", "orders"], []],
  [{ black: "log-*;a.b" }, ["axb", "orders"], []],
  [
    { black: "order;log-*" },
    ["a.b", "axb", "orders"],
    ["filter.collection.black: the source has no table order; the nearest is orders"],
  ],
  [{ black: "x-*" }, Object.keys(TABLES), ["filter.collection.black: the source has no table x-*"]],
])("%j", async (lists, tables, warnings) => {
  await using source = await startStandIn({ tables: TABLES });
  expect(await tablesOf(source, lists)).toEqual({ tables, warnings });
});

test.each(["log-*;x-*", "orders;x-*", "x-*"])("a white list with a pattern in vain: %s", async (white) => {
  await using source = await startStandIn({ tables: TABLES });
  await expect(tablesOf(source, { white })).rejects.toMatchObject({
    code: "TABLE_MISSING",
    exit: 2,
    message: "the source has no table x-*: filter.collection.white",
    hint: `${source.endpoint}, region us-east-1, has a.b, axb, log-1, log-2, orders`,
  });
});

test("tables that are named need no right to list", async () => {
  await using source = await startStandIn({
    tables: TABLES,
    misbehave: ({ operation }) =>
      operation === "ListTables" ? { error: "AccessDeniedException" } : undefined,
  });
  expect((await tablesOf(source, { white: "orders;axb;orders" })).tables).toEqual(["orders", "axb"]);
  await expect(tablesOf(source, { white: "orders;order" })).rejects.toMatchObject({
    code: "TABLE_MISSING",
    message: "the source has no table order: filter.collection.white",
  });
  for (const lists of [{ white: "orders*" }, { black: "orders" }]) {
    await expect(tablesOf(source, lists)).rejects.toMatchObject({
      code: "SOURCE_DENIED",
      hint: expect.stringContaining("filter.collection.white"),
    });
  }
});
