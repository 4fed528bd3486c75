/** A collection whose server is a function: what the writers need to know of it, without a connection. */
import type { Db } from "mongodb";
import { withRetry } from "../../../../core/flow/retry.ts";
import type { Table } from "../../../../core/types.ts";
import type { Destination } from "../../../../plugins/target/mongodb/commands.ts";

/**
 * Makes one, where `_id` is made up and what is there is replaced.
 *
 * @param command answers a command
 * @param passes whether a failure may pass by itself
 */
export function scriptedDestination(
  table: Table,
  command: (asked: never) => Promise<object>,
  passes: boolean,
): Destination {
  return {
    db: { command } as unknown as Db,
    table,
    doubles: false,
    ids: "any",
    byKey: false,
    overwrites: false,
    partitionPath: "pk",
    replaceDuplicates: true,
    makeFit: () => Promise.reject(new Error("no index refuses it")),
    retry: {
      policy: { firstPause: 1, longestPause: 1, total: 1000 },
      passes: () => passes,
      signal: new AbortController().signal,
    },
    inTurn: (send) => send(),
    surely: withRetry,
  };
}
