/** A writer at the source, and what is in a table. */
import { type Attributes, dynamo } from "./helpers.ts";

/** A writer at work. */
export interface Writer {
  /** How many changes it has made. */
  writes(): number;
  /** Ends it, when its last change is made. */
  stop(): Promise<void>;
}

/** Random puts, changes and deletes over some keys until stopped, and what is there at its end. */
export function startWriter(endpoint: string, table: string, keys: number, seed: number): Writer {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const stopping = new AbortController();
  let writes = 0;
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const pk = { S: `k${random(keys)}` };
      const n = { N: String(100_000 + writes++) };
      const what = random(10);
      if (what < 3) await dynamo(endpoint, "DeleteItem", { TableName: table, Key: { pk } });
      else if (what < 6) {
        await dynamo(endpoint, "UpdateItem", {
          TableName: table,
          Key: { pk },
          UpdateExpression: "SET #n = :n, #d = :d",
          ExpressionAttributeNames: { "#n": "n", "#d": "$odd.name" },
          ExpressionAttributeValues: { ":n": n, ":d": { S: "x" } },
        });
      } else await dynamo(endpoint, "PutItem", { TableName: table, Item: { pk, n, new: { BOOL: true } } });
    }
  }
  const done = run();
  return {
    writes: () => writes,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** All items of a table as the service sends them, by their keys' JSON. */
export async function itemsByKey(
  endpoint: string,
  TableName: string,
  keys: string[] = ["pk"],
): Promise<Map<string, Attributes>> {
  const items = new Map<string, Attributes>();
  let from: unknown;
  do {
    const answer = await dynamo(endpoint, "Scan", {
      TableName,
      ConsistentRead: true,
      ...(from !== undefined && { ExclusiveStartKey: from }),
    });
    for (const item of answer["Items"] as Attributes[])
      items.set(JSON.stringify(keys.map((name) => item[name])), item);
    from = answer["LastEvaluatedKey"];
  } while (from !== undefined);
  return items;
}
