/** The public API of nimo-shake: what plugins and programs that embed it import. */
export type { ConfigInput } from "./config/input.ts";
export { loadConfig } from "./config/load.ts";
export { type Config } from "./config/config.ts";
export type { Context } from "./plugin/context.ts";
export { type ErrorCode, type ErrorDetails, MigrationError } from "./errors.ts";
export type * from "./plugin/hooks.ts";
export {
  type LibraryOptions,
  migrate,
  type Migration,
  type MigrationResult,
  type TableResult,
} from "./library.ts";
export { type AnyPlugin, definePlugin, type Plugin } from "./plugin/plugin.ts";
export { createProgress, type Progress, type TableProgress, type TableState } from "./progress/progress.ts";
export type * from "./progress/run-status.ts";
export type { ShardProgress, StreamProgress } from "./progress/stream-progress.ts";
export {
  CHANGEABLE,
  type SwitchoverOptions,
  type SwitchoverResult,
  type SwitchoverWaiting,
} from "./run/control.ts";
export type { Compared, Fault, FaultKind } from "./verify/report.ts";
export type { Verdict } from "./verify/verify.ts";
export type * from "./plugin/roles.ts";
export type * from "./plugin/stored.ts";
export type * from "./plugin/transcoder.ts";
export type * from "./plugin/changes.ts";
export type * from "./types.ts";
