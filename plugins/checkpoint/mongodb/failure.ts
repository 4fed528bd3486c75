/** What a call to the checkpoint's server threw, in the user's words. */
import { type ErrorCode, MigrationError } from "../../../core/errors.ts";
import { targetError } from "../../_mongodb/errors.ts";

/** The setting that gives the address. */
export const ADDRESS = "checkpoint.address";
/** What isn't the server's failure. */
const PLAIN = new Set<ErrorCode>(["CONFIG_INVALID", "ALREADY_RUNNING"]);

/** What a call threw, as the checkpoint's failure. */
export function failed(error: unknown, what: string, database: string): unknown {
  const known = targetError(error, what, ADDRESS);
  if (!(known instanceof MigrationError) || PLAIN.has(known.code)) return known;
  const hint =
    known.code === "TARGET_DENIED"
      ? `check user, password and authSource in ${ADDRESS}, and grant the user readWrite on database ${database}`
      : known.code === "TARGET_UNREACHABLE"
        ? known.hint!
        : `see that database ${database} can be written to, or set checkpoint.address or checkpoint.db to another`;
  return new MigrationError("CHECKPOINT_FAILED", known.message, { cause: error, hint });
}
