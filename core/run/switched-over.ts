/** A migration that was switched over: what the source still has isn't to go over what the application has written since. */
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { RunState } from "../checkpoint/run-state.ts";
import { MigrationError } from "../errors.ts";

/**
 * Refuses to go on with one, unless that is what is wanted.
 *
 * @param again it is
 * @throws MigrationError SWITCHED_OVER
 */
export function refuseSwitchedOver({ found, resumed }: RunCheckpoint, again: boolean): void {
  if (!resumed || again || found?.switchedOverAt === undefined) return;
  throw switchedOver(found.switchedOverAt, "run --again follows the source again");
}

/**
 * Refuses to write the source's items over the target's.
 *
 * @throws MigrationError SWITCHED_OVER
 */
export function refuseRepair(run: RunState | undefined): void {
  if (run?.switchedOverAt === undefined) return;
  throw switchedOver(run.switchedOverAt, "verify without --repair only compares");
}

function switchedOver(at: string, hint: string): MigrationError {
  return new MigrationError(
    "SWITCHED_OVER",
    `this migration was switched over at ${at}: what has been written to the target since would be taken back`,
    { hint },
  );
}
