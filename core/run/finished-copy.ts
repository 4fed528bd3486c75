/** A finished copy that is started again, and can't be gone on with: it is in its own way. */
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";

/** The error for it. */
export function finishedCopy(
  { config, role }: Context,
  existing: string[],
  finishedAt: string,
): MigrationError {
  const made = `what it made is in the way of another one, ${existing.join(", ")}`;
  const ways = config["target.type"] === "aliyun_dynamo_proxy" ? "drop" : "drop or rename";
  // Whoever wants it followed comes here when that can't begin where the copy did.
  const says =
    config.sync_mode === "full"
      ? "there is nothing left to do; nimo-shake verify compares both sides"
      : "it can't be followed from its begin; sync_mode = incr says why, and with on_gap = resync copies it again over what is there";
  return new MigrationError(
    "TARGET_EXISTS",
    `this migration is complete since ${finishedAt}, and ${made}: ${role("target").place}`,
    { hint: `${says}, and target.db.exist = ${ways} copies all of it again` },
  );
}
