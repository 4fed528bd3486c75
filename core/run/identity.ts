/** What is said of a run of this process everywhere: which migration it is, and from where to where. */
import { hostname } from "node:os";
import pkg from "../../package.json" with { type: "json" };
import type { Config } from "../config/config.ts";
import { describePlaces } from "../config/places.ts";
import type { RunIdentity } from "../progress/run-status.ts";

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
