/** How long a lease lasts, and what is said of who has it. */
import { MigrationError } from "../errors.ts";
import type { Holder } from "./roles.ts";

/** A lease that wasn't renewed for so long is free, in ms. */
export const LEASE_TTL = 30_000;

/** The error of a run whose lease is another's by now, or nobody's. */
export function leaseLost(id: string, holder?: Holder): MigrationError {
  const who = holder ? described(holder) : "another process, or who deleted the lease,";
  return new MigrationError(
    "ALREADY_RUNNING",
    `${who} has taken over id = ${id} while this run was paused or cut off: it has stopped before its next write`,
    { exit: 1, hint: "leave the other process running, and start one of an id only" },
  );
}

/** In words. */
export function described({ pid, host, since }: Holder): string {
  return `process ${pid} on host ${host} since ${since}`;
}
