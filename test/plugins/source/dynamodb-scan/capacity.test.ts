/** What reading has cost: as the service says, else from the size of what it sent. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createContext } from "../../../../core/run/context.ts";
import { trackTable } from "../../../../core/progress/progress.ts";
import dynamodbScan from "../../../../plugins/source/dynamodb-scan.ts";
import { consumedUnits } from "../../../../plugins/source/dynamodb-scan/capacity.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";
import { startStandIn } from "../../../stand-in/dynamodb.ts";

setDefaultTimeout(180_000);

const COST = '"ConsumedCapacity":{"TableName":"t","CapacityUnits":12.5}';
const ITEM = `{"pk":{"S":"${"x".repeat(900)}"}}`;
const MANY = `"Items":[${Array.from({ length: 100 }, () => ITEM).join(",")}]`;
/** As long as one can be. */
const LAST_KEY = `"LastEvaluatedKey":{"pk":{"S":"${"k".repeat(2048)}"},"sk":{"B":"${"A".repeat(1368)}"}}`;

describe("a page's read units", () => {
  test.each([
    ["before the items", `{${COST},${MANY},${LAST_KEY}}`, 12.5],
    ["behind them", `{${MANY},${COST}}`, 12.5],
    ["behind them, before the last key", `{${MANY},${COST},"Count":100,${LAST_KEY}}`, 12.5],
    ["in a small page", `{"Items":[],${COST},"Count":0}`, 12.5],
    ["none, by half of 4 KB each", `{${MANY}}`, 11.5],
    ["an attribute of that name", `{"Items":[{"ConsumedCapacity":{"M":{"CapacityUnits":{"N":"7"}}}}]}`, 0.5],
    ["0, of which nothing is free", `{"Items":[],"ConsumedCapacity":{"CapacityUnits":0.0}}`, 0.5],
  ])("%s", (_, body, units) => {
    expect(consumedUnits(Buffer.from(body), { TableName: "t" })).toBe(units);
  });

  test("cost twice as much where the read is consistent, when the service says nothing", () => {
    const request = { TableName: "t", ConsistentRead: true };
    expect(consumedUnits(Buffer.from(`{${MANY}}`), request)).toBe(23);
  });
});

test("a table's counter has those of its Scan and of keys that are looked up", async () => {
  await using source = await startStandIn({
    tables: { t: { items: Array.from({ length: 3 }, (_, n) => ({ pk: { S: `k${n}` } })) } },
    misbehave: ({ operation }) =>
      operation === "BatchGetItem"
        ? { result: { Responses: { t: [] }, ConsumedCapacity: [{ TableName: "t", CapacityUnits: 2.5 }] } }
        : undefined,
  });
  const settings = { "source.endpoint_url": source.endpoint, "qps.full.batch_num": "2" };
  await using ctx = createContext({ config: testConfig(settings) });
  await ctx.use(dynamodbScan);
  const table = testTable("pk");
  const counters = trackTable(ctx.progress, table);
  const role = ctx.role("source");
  const options = { from: undefined, beforeRequest: async () => {}, signal: ctx.signal };
  const pages = await Array.fromAsync(role.read(role.units(table)[0]!, options));
  expect(pages).toHaveLength(2);
  const scanned = counters.readUnits;
  expect(scanned).toBeGreaterThan(0);
  await role.absent!(table, [{ pk: { S: "k0" } }], ctx.signal);
  expect(counters.readUnits).toBe(scanned + 2.5);
});
