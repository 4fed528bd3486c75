/** Changes of the states that are made only while the lease is still the holder's. */
import type { Db } from "mongodb";
import { leaseLost } from "../../../core/plugin/lease-lost.ts";
import type { Holder } from "../../../core/plugin/roles.ts";
import { isLost, leaseCondition, type LeasePlace } from "./lease.ts";
import { execute } from "./states.ts";

/**
 * Updates, in the same command that looks whether the lease is still the holder's.
 *
 * @param holder undefined: anybody may
 * @param ordered one behind the other, and none behind one that failed
 * @throws MigrationError ALREADY_RUNNING
 */
export async function updateHeld(
  db: Db,
  { collection, id }: LeasePlace,
  holder: Holder | undefined,
  updates: object[],
  ordered = false,
): Promise<void> {
  if (holder === undefined) return execute(db, { update: collection, updates, ordered });
  const held = [leaseCondition(id, holder), ...updates];
  await execute(db, { update: collection, updates: held, ordered: true }).catch((error: unknown) => {
    throw isLost(error) ? leaseLost(id) : error;
  });
}
