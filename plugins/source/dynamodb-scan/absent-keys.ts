/** Looking up keys by consistent reads: which no item has any more, and the items of the others. */
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type DynamoDBClient,
  type KeysAndAttributes,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { keyAttributes, keyText } from "../../../core/schema/keys.ts";
import type { RateLimiter } from "../../../core/flow/rate-limit.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import type { Item, Table } from "../../../core/types.ts";
import { parseAnswer } from "../../_dynamodb/answer.ts";
import { createCalls } from "../../_dynamodb/calls.ts";
import type { RawOutput } from "../../_dynamodb/client.ts";
import { toSdk } from "../../_dynamodb/sdk-values.ts";

/** The service's limit of one call. */
const MOST_KEYS = 100;
/** Before what was left unprocessed is asked for again, in ms; twice as long each time. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/** What {@link createLookups} gives, see `Source`. */
export type Lookups = Required<Pick<Source, "absent" | "items">>;

/** A part of the service's answer, as it sends it. */
interface Answer {
  Responses: Record<string, Item[]>;
  UnprocessedKeys?: Record<string, { Keys: Item[] }>;
}

/**
 * Makes them.
 *
 * @param connected a client that gives the bodies of BatchGetItem raw
 * @param mayCall `qps.full`
 */
export function createLookups(ctx: Context, connected: () => DynamoDBClient, mayCall: RateLimiter): Lookups {
  const calls = createCalls(ctx, "source");

  /** The items of at most {@link MOST_KEYS} keys, or of each the part that is wanted. */
  async function get(
    table: Table,
    keys: Item[],
    wanted: Partial<KeysAndAttributes>,
    signal: AbortSignal,
  ): Promise<Item[]> {
    const found: Item[] = [];
    let left = keys;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const input: BatchGetItemCommandInput = {
        RequestItems: { [table.name]: { ...wanted, Keys: left.map(toSdk), ConsistentRead: true } },
      };
      const answer = await calls({ call: "BatchGetItem", table: table.name }, signal, async () => {
        await mayCall(signal, table.name);
        const sent = await connected().send(new BatchGetItemCommand(input), { abortSignal: signal });
        // Without it every item would look deleted.
        return parseAnswer<Answer>((sent as unknown as RawOutput).body, "Responses");
      });
      found.push(...(answer.Responses[table.name] ?? []));
      left = answer.UnprocessedKeys?.[table.name]?.Keys ?? [];
      if (left.length === 0) return found;
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

  /** The same for any number of keys, and one that is there twice. */
  async function getAll(
    table: Table,
    keys: Map<string, Item>,
    wanted: Partial<KeysAndAttributes>,
    signal: AbortSignal,
  ): Promise<Item[]> {
    const all = [...keys.values()];
    const found: Item[] = [];
    for (let at = 0; at < all.length; at += MOST_KEYS) {
      found.push(...(await get(table, all.slice(at, at + MOST_KEYS), wanted, signal)));
    }
    return found;
  }

  // The service refuses a call that names a key twice.
  const byText = (table: Table, keys: Item[]): Map<string, Item> =>
    new Map(keys.map((key) => [keyText(key, table), key]));

  return {
    items: (table, keys, signal) => getAll(table, byText(table, keys), {}, signal),

    async absent(table, keys, signal) {
      const names = keyAttributes(table).map(({ name }, i) => [`#k${i}`, name] as const);
      const wanted = {
        ProjectionExpression: names.map(([placeholder]) => placeholder).join(", "),
        ExpressionAttributeNames: Object.fromEntries(names),
      };
      const left = byText(table, keys);
      for (const item of await getAll(table, left, wanted, signal)) left.delete(keyText(item, table));
      return [...left.values()];
    },
  };
}
