/** Items of keys, by consistent reads. */
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type DynamoDBClient,
  type KeysAndAttributes,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { RateLimiter } from "../../core/flow/rate-limit.ts";
import type { Context } from "../../core/plugin/context.ts";
import type { Item } from "../../core/types.ts";
import { parseAnswer } from "./answer.ts";
import { createCalls } from "./calls.ts";
import type { RawOutput } from "./client.ts";
import type { Side } from "./errors.ts";
import { toSdk } from "./sdk-values.ts";

/** The service's limit of one call. */
const MOST_KEYS = 100;
/** Before what was left unprocessed is asked for again, in ms; twice as long each time. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/** What is asked for. */
export interface Wanted {
  /** The table's name there. */
  name: string;
  /** Each once: the service refuses a call that names one twice. */
  keys: Item[];
  /** The part of each item that is wanted; nothing: all of it. */
  wanted?: Partial<KeysAndAttributes>;
}

/** A part of the service's answer, as it sends it. */
interface Answer {
  Responses: Record<string, Item[]>;
  UnprocessedKeys?: Record<string, { Keys: Item[] }>;
  ConsumedCapacity?: { CapacityUnits?: number }[];
}

/**
 * Makes what gives the items of any number of keys, in any order.
 *
 * @param connected a client that gives the bodies of BatchGetItem raw
 * @param mayCall the rate; undefined: any
 */
export function createBatchGet(
  ctx: Context,
  side: Side,
  connected: () => DynamoDBClient,
  mayCall?: RateLimiter,
): (what: Wanted, signal: AbortSignal) => Promise<Item[]> {
  const calls = createCalls(ctx, side);

  /** The items of at most {@link MOST_KEYS} keys. */
  async function get({ name, keys, wanted }: Wanted, signal: AbortSignal): Promise<Item[]> {
    const found: Item[] = [];
    let left = keys;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const input: BatchGetItemCommandInput = {
        RequestItems: { [name]: { ...wanted, Keys: left.map(toSdk), ConsistentRead: true } },
        ReturnConsumedCapacity: "TOTAL",
      };
      const answer = await calls({ call: "BatchGetItem", table: name }, signal, async () => {
        await mayCall?.(signal, name);
        const sent = await connected().send(new BatchGetItemCommand(input), { abortSignal: signal });
        // Without it every item would look deleted.
        return parseAnswer<Answer>((sent as unknown as RawOutput).body, "Responses");
      });
      found.push(...(answer.Responses[name] ?? []));
      const counters = side === "source" ? ctx.progress.tables.get(name) : undefined;
      if (counters !== undefined) counters.readUnits += answer.ConsumedCapacity?.[0]?.CapacityUnits ?? 0;
      left = answer.UnprocessedKeys?.[name]?.Keys ?? [];
      if (left.length === 0) return found;
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

  return async ({ keys, ...what }, signal) => {
    const found: Item[] = [];
    for (let at = 0; at < keys.length; at += MOST_KEYS) {
      found.push(...(await get({ ...what, keys: keys.slice(at, at + MOST_KEYS) }, signal)));
    }
    return found;
  };
}
