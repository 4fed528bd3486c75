/** Looking up keys by consistent reads: which no item has any more, and the items of the others. */
import type { DynamoDBClient, KeysAndAttributes } from "@aws-sdk/client-dynamodb";
import type { Context } from "../../../core/plugin/context.ts";
import { keyAttributes, keyText } from "../../../core/schema/keys.ts";
import type { RateLimiter } from "../../../core/flow/rate-limit.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import type { Item, Table } from "../../../core/types.ts";
import { createBatchGet } from "../../_dynamodb/batch-get.ts";

/** What {@link createLookups} gives, see `Source`. */
export type Lookups = Required<Pick<Source, "absent" | "items">>;

/**
 * Makes them.
 *
 * @param connected a client that gives the bodies of BatchGetItem raw
 * @param mayCall `qps.full`
 */
export function createLookups(ctx: Context, connected: () => DynamoDBClient, mayCall: RateLimiter): Lookups {
  const getItems = createBatchGet(ctx, "source", connected, mayCall);
  const getAll = (
    { name }: Table,
    keys: Map<string, Item>,
    wanted: Partial<KeysAndAttributes>,
    signal: AbortSignal,
  ): Promise<Item[]> => getItems({ name, keys: [...keys.values()], wanted }, signal);

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
