/** What a call to the checkpoint's server threw, in the user's words. */
import type { Config } from "../../../core/config/config.ts";
import { hostsOf } from "../../../core/config/mongo-address.ts";
import { type ErrorCode, MigrationError } from "../../../core/errors.ts";
import { isUnauthorized, targetError } from "../../_mongodb/errors.ts";

/** What isn't the server's failure. */
const PLAIN = new Set<ErrorCode>(["CONFIG_INVALID", "ALREADY_RUNNING", "CHECKPOINT_MISMATCH"]);
const DEFAULT_PORT = 27017;

/** The setting that gives the checkpoint's address: where none is set it is the target's. */
export function addressKey(config: Config): "target.address" | "checkpoint.address" {
  const isTargets =
    config["target.type"] === "mongodb" && config["checkpoint.address"] === config["target.address"];
  return isTargets ? "target.address" : "checkpoint.address";
}

/** What a call threw: as the checkpoint's failure, or, where the target's server is the same, as that one's. */
export function failed(error: unknown, what: string, database: string, config: Config): unknown {
  const key = addressKey(config);
  const known = targetError(error, what, key);
  if (!(known instanceof MigrationError) || PLAIN.has(known.code)) return known;
  const { code, message, cause } = known;
  const isTargets = config["target.type"] === "mongodb" && isOneServer(config);
  const isRight = isUnauthorized(cause);
  if (isTargets && (code === "TARGET_UNREACHABLE" || (code === "TARGET_DENIED" && !isRight))) return known;
  const hint = isRight
    ? `grant the user in ${key} the role readWrite on ${allOf(database, config)}, or set checkpoint.db to another`
    : code === "TARGET_DENIED" || code === "TARGET_UNREACHABLE"
      ? known.hint!
      : `see that database ${database} can be written to, or set checkpoint.address or checkpoint.db to another`;
  return new MigrationError("CHECKPOINT_FAILED", message, { cause: error, hint });
}

/** The databases that a run writes to, where one of them is missing: the other may be, too. */
function allOf(database: string, config: Config): string {
  const original = config["checkpoint.db"];
  const both = config.sync_mode !== "full" && [original, `${original}-state`].includes(database);
  return both ? `databases ${original} and ${original}-state` : `database ${database}`;
}

/** Whether the checkpoint and the target have a server in common. */
function isOneServer(config: Config): boolean {
  const targets = serversIn(config["target.address"]);
  return serversIn(config["checkpoint.address"]).some((server) => targets.includes(server));
}

function serversIn(address: string): string[] {
  return hostsOf(address)
    .split(",")
    .map((host) => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`));
}
