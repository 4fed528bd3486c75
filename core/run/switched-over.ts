/** A migration that was switched over: what the source still has isn't to go over what the application has written since. */
import type { RunCheckpoint } from "../checkpoint/run-checkpoint.ts";
import type { RunState } from "../checkpoint/run-state.ts";
import { MigrationError } from "../errors.ts";
import type { Beginning } from "./place.ts";

/**
 * Refuses to go on with one, or to begin it anew, unless that is what is wanted.
 *
 * @throws MigrationError SWITCHED_OVER
 */
export function refuseSwitchedOver(
  { switchedOverAt }: RunCheckpoint,
  { fresh, again = false }: Beginning,
): void {
  if (again || switchedOverAt === undefined) return;
  const hint = fresh ? "run --fresh --again copies all of it again" : "run --again follows the source again";
  throw switchedOver(switchedOverAt, hint);
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
