/** The source's contract, kept by the Scan of a real server. */
import { afterAll, beforeAll, describe, setDefaultTimeout, test } from "bun:test";
import type { Item } from "../../../core/types.ts";
import dynamodbScan from "../../../plugins/source/dynamodb-scan.ts";
import { sourceContract } from "../../contracts/index.ts";
import { ODD_NAMES, VALUES } from "../../contracts/items.ts";
import { type Scenario, scenario } from "../../e2e/helpers.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const COUNT = 60;

let s: Scenario;
const tables: Record<string, Item[]> = {};
beforeAll(async () => {
  s = await scenario();
  const plain = Array.from({ length: COUNT }, (_, n): Item => ({ pk: { S: `k${n}` }, n: { N: `${n}` } }));
  Object.assign(plain[0]!, VALUES);
  plain[1] = { ...plain[1]!, ...ODD_NAMES };
  const sorted = Array.from({ length: COUNT }, (_, n): Item => ({
    pk: { B: Buffer.from([n % 7]).toString("base64") },
    sk: { N: n % 2 === 0 ? `${n}` : `-${n}.5` },
    n: { N: `${n}` },
  }));
  tables[await s.table("plain", { items: plain })] = plain;
  tables[await s.table("sorted", { key: ["pk:B", "sk:N"], items: sorted })] = sorted;
});
afterAll(() => s[Symbol.asyncDispose]());

/** The service gives a set's members in an order of its own. */
function seen(item: Item): Item {
  const entries = Object.entries(item).map(([name, value]) => {
    const [[type, held]] = Object.entries(value) as [[string, unknown]];
    return [name, /^[SNB]S$/.test(type) ? { [type]: (held as string[]).toSorted() } : value];
  });
  return Object.fromEntries(entries) as Item;
}

const edit = {
  change: (request: object) =>
    void Object.assign(request, {
      FilterExpression: "n < :n",
      ExpressionAttributeValues: { ":n": { N: "20" } },
    }),
  keeps: ({ n }: Item) => Number(n?.N) < 20,
};

describe.each(["3", "1000"])("pages of %s", (size) => {
  const makePlace = async () => ({
    settings: {
      "source.endpoint_url": s.dynamoEndpoint,
      "filter.collection.white": Object.keys(tables).join(";"),
      "qps.full.batch_num": size,
    },
    tables,
    [Symbol.asyncDispose]: async () => {},
  });
  const can = { absent: true, items: true, describe: true };
  for (const { name, run } of sourceContract({ plugin: dynamodbScan, makePlace, can, edit, seen })) {
    // All of a table in one page has no position to go on from.
    if (size === "1000" && name.startsWith("read goes on")) continue;
    test(name, run);
  }
});
