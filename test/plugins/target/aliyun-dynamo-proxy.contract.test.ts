/** The target's contract, kept by `target.type = aliyun_dynamo_proxy` on a real server. */
import { beforeAll, setDefaultTimeout, test } from "bun:test";
import type { AttributeValue, Item, Table } from "../../../core/types.ts";
import proxy from "../../../plugins/target/aliyun-dynamo-proxy.ts";
import { targetContract, type TargetPlace } from "../../contracts/index.ts";
import { dynamo } from "../../e2e/helpers.ts";
import { sharedServers } from "../../servers/shared.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let endpoint: string;
let places = 0;
beforeAll(async () => ({ dynamoEndpoint: endpoint } = await sharedServers()));

/** All that pages of answers have under a name. */
async function every<T>(
  operation: string,
  request: object,
  name: string,
  next: [from: string, to: string],
): Promise<T[]> {
  const found: T[] = [];
  for (let from: unknown; ;) {
    const answer = await dynamo(endpoint, operation, {
      ...request,
      ...(from !== undefined && { [next[1]]: from }),
    });
    found.push(...(answer[name] as T[]));
    from = answer[next[0]];
    if (from === undefined) return found;
  }
}

const tables = (): Promise<string[]> =>
  every("ListTables", {}, "TableNames", ["LastEvaluatedTableName", "ExclusiveStartTableName"]);
const items = (TableName: string): Promise<Item[]> =>
  every("Scan", { TableName, ConsistentRead: true }, "Items", ["LastEvaluatedKey", "ExclusiveStartKey"]);

async function makePlace(): Promise<TargetPlace> {
  const prefix = `contract-${process.pid.toString(36)}-${places++}-`;
  return {
    settings: { "target.type": "aliyun_dynamo_proxy", "target.address": endpoint },
    prefix,
    async read({ targetName }: Table) {
      if (!(await tables()).includes(targetName)) return [];
      return (await items(targetName)).map(unordered);
    },
    async [Symbol.asyncDispose]() {
      const mine = (await tables()).filter((name) => name.startsWith(prefix));
      await Promise.all(mine.map((TableName) => dynamo(endpoint, "DeleteTable", { TableName })));
    },
  };
}

/** The service gives a set's members in an order of its own. */
function unordered(item: Item): Item {
  const value = (of: AttributeValue): AttributeValue => {
    if (of.M !== undefined) return { M: unordered(of.M) };
    if (of.L !== undefined) return { L: of.L.map(value) };
    const [[type, held]] = Object.entries(of) as [[string, unknown]];
    return Array.isArray(held) ? { [type]: held.toSorted() } : of;
  };
  // From a list: an assignment to `__proto__` would set no attribute.
  return Object.fromEntries(Object.entries(item).map(([name, of]) => [name, value(of)]));
}

const can = { resume: true, apply: true, keys: true, stored: true, encoded: true, guardsKeys: true };
for (const { name, run } of targetContract({ plugin: proxy, makePlace, can, expected: unordered }))
  test(name, run);
