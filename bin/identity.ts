/** What is said of this process's run everywhere: which migration it is, and from where to where. */
import { hostname } from "node:os";
import pkg from "../package.json" with { type: "json" };
import type { Config } from "../core/config/config.ts";
import { describePlaces } from "../core/config/places.ts";
import type { RunIdentity } from "../core/progress/run-status.ts";

/** As this process would run it. */
export function runIdentity(config: Config): RunIdentity {
  return {
    id: config.id,
    version: pkg.version,
    syncMode: config.sync_mode,
    ...describePlaces(config),
    pid: process.pid,
    host: hostname(),
  };
}
