/** Which of some keys no item has any more, by consistent reads. */
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../core/context.ts";
import { keyAttributes, keyText } from "../../core/key-of.ts";
import { createLimiter } from "../../core/limit.ts";
import type { Item, Table } from "../../core/types.ts";
import { createCalls } from "../_dynamodb-calls.ts";
import { fromSdk, toSdk } from "../_dynamodb-values.ts";

/** The service's limit of one call. */
const MOST_KEYS = 100;
/** Before what was left unprocessed is asked for again, in ms; twice as long each time. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/** Gives those of the keys that no item has. */
export type Absent = (table: Table, keys: Item[], signal: AbortSignal) => Promise<Item[]>;

/** Makes it; its calls keep to `qps.full`. */
export function createAbsent(ctx: Context, connected: () => DynamoDBClient): Absent {
  const calls = createCalls(ctx, "source");
  const mayCall = createLimiter(ctx.config["qps.full"]);

  /** The keys of the items that are there, as text. */
  async function present(table: Table, keys: Item[], signal: AbortSignal): Promise<Set<string>> {
    const found = new Set<string>();
    const names = keyAttributes(table).map(({ name }, i) => [`#k${i}`, name] as const);
    let request: BatchGetItemCommandInput["RequestItems"] = {
      [table.name]: {
        Keys: keys.map(toSdk),
        ConsistentRead: true,
        ProjectionExpression: names.map(([placeholder]) => placeholder).join(", "),
        ExpressionAttributeNames: Object.fromEntries(names),
      },
    };
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const command = new BatchGetItemCommand({ RequestItems: request });
      const answer: BatchGetItemCommandOutput = await calls(
        { call: "BatchGetItem", table: table.name },
        signal,
        async () => {
          await mayCall(signal, table.name);
          return connected().send(command, { abortSignal: signal });
        },
      );
      for (const item of answer.Responses?.[table.name] ?? []) found.add(keyText(fromSdk(item), table));
      request = answer.UnprocessedKeys;
      if (request === undefined || Object.keys(request).length === 0) return found;
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

  return async (table, keys, signal) => {
    // The service refuses a call that names a key twice.
    const all = new Map(keys.map((key) => [keyText(key, table), key]));
    const absent: Item[] = [];
    const entries = [...all];
    for (let at = 0; at < entries.length; at += MOST_KEYS) {
      const some = entries.slice(at, at + MOST_KEYS);
      const there = await present(
        table,
        some.map(([, key]) => key),
        signal,
      );
      for (const [text, key] of some) if (!there.has(text)) absent.push(key);
    }
    return absent;
  };
}
