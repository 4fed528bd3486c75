/** Every failure: its code, its exit code, and what the user can do about it. */

/** The name of one kind of failure; stable across versions. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "CONFIG_MISSING"
  | "NOT_YET"
  | "USAGE"
  | "PLUGIN_INVALID"
  | "TABLE_MISSING"
  | "TABLE_UNFIT"
  | "TARGET_EXISTS"
  | "ALREADY_RUNNING"
  | "NOT_RUNNING"
  | "CONTROL_FAILED"
  | "NOT_SWITCHED"
  | "CHECKPOINT_MISMATCH"
  | "CHECKPOINT_FAILED"
  | "SOURCE_UNREACHABLE"
  | "SOURCE_DENIED"
  | "SOURCE_GONE"
  | "SOURCE_THROTTLED"
  | "SOURCE_FAILED"
  | "STREAM_UNFIT"
  | "STREAM_GAP"
  | "SPOOL_FAILED"
  | "TARGET_UNREACHABLE"
  | "TARGET_DENIED"
  | "TARGET_THROTTLED"
  | "TARGET_FAILED"
  | "DATA_UNFIT"
  | "DUPLICATE_KEY"
  | "COUNT_MISMATCH"
  | "DIFFERENT"
  | "DISK_FAILED"
  | "HOOK_FAILED"
  | "SKIP_FAILED"
  | "INTERRUPTED"
  | "INTERNAL";

/** What every error code means, and the exit code it ends the process with. */
const CODES: Record<ErrorCode, { exit: number; meaning: string }> = {
  CONFIG_INVALID: { exit: 2, meaning: "a configuration key or value can't be used" },
  CONFIG_MISSING: { exit: 2, meaning: "the configuration file can't be read" },
  NOT_YET: { exit: 2, meaning: "a key, value or command whose feature is not built yet" },
  USAGE: { exit: 2, meaning: "the command line can't be understood" },
  PLUGIN_INVALID: { exit: 2, meaning: "a plugin doesn't load or fit" },
  TABLE_MISSING: { exit: 2, meaning: "a table of the whitelist doesn't exist, or none is left to migrate" },
  TABLE_UNFIT: { exit: 2, meaning: "a table can't be read, or be represented at the target" },
  TARGET_EXISTS: { exit: 2, meaning: "a collection of that name exists at the target" },
  ALREADY_RUNNING: { exit: 2, meaning: "another process with the same id is running" },
  NOT_RUNNING: { exit: 1, meaning: "no process of this id runs here that could be spoken to" },
  CONTROL_FAILED: { exit: 1, meaning: "the running process can't be spoken to, or doesn't answer" },
  NOT_SWITCHED: { exit: 1, meaning: "no switch-over: it was given up, or the run ended meanwhile" },
  CHECKPOINT_MISMATCH: { exit: 2, meaning: "the checkpoint was made under other settings, or can't be read" },
  CHECKPOINT_FAILED: { exit: 1, meaning: "the checkpoint can't be read or saved" },
  SOURCE_UNREACHABLE: { exit: 1, meaning: "the source doesn't answer" },
  SOURCE_DENIED: { exit: 1, meaning: "the source refuses the credentials or the action" },
  SOURCE_GONE: { exit: 1, meaning: "a table vanished or was made anew while it was migrated" },
  SOURCE_THROTTLED: { exit: 1, meaning: "the source kept throttling past the retry limit" },
  SOURCE_FAILED: { exit: 1, meaning: "the source answered with an error" },
  STREAM_UNFIT: { exit: 2, meaning: "a table's stream can't be followed" },
  STREAM_GAP: { exit: 1, meaning: "changes that were not read are gone from the stream" },
  SPOOL_FAILED: { exit: 1, meaning: "changes that were read can't be kept on the disk" },
  TARGET_UNREACHABLE: { exit: 1, meaning: "the target doesn't answer" },
  TARGET_DENIED: { exit: 1, meaning: "the target refuses the credentials or the action" },
  TARGET_THROTTLED: { exit: 1, meaning: "the target kept throttling past the retry limit" },
  TARGET_FAILED: { exit: 1, meaning: "the target answered with an error" },
  DATA_UNFIT: { exit: 1, meaning: "an item can't be represented at the target without loss" },
  DUPLICATE_KEY: { exit: 1, meaning: "two documents have the same key" },
  COUNT_MISMATCH: { exit: 1, meaning: "the target holds fewer documents than were written" },
  DIFFERENT: { exit: 3, meaning: "source and target differ, and verify has said where" },
  DISK_FAILED: { exit: 1, meaning: "what verify has read can't be kept on the disk" },
  HOOK_FAILED: { exit: 1, meaning: "a plugin's hook threw" },
  SKIP_FAILED: { exit: 1, meaning: "records to be skipped can't be kept on the disk" },
  INTERRUPTED: { exit: 130, meaning: "the program that runs the library stopped it" },
  INTERNAL: { exit: 1, meaning: "a defect in nimo-shake" },
};

/** All of them. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(CODES) as ErrorCode[];

/** What a {@link MigrationError} carries beside its code and message. */
export interface ErrorDetails {
  /** What the user can do about it, one sentence. */
  hint?: string;
  /** The error that led here. */
  cause?: unknown;
  /** Overrides the code's exit code (signals). */
  exit?: number;
}

/**
 * The only error nimo-shake ends with on purpose: what happened and where, a code, and a hint.
 *
 * @example
 * ```ts
 * import { migrate, MigrationError } from "nimo-shake";
 *
 * try {
 *   await migrate({ config: { id: "shop" } });
 * } catch (error) {
 *   if (!(error instanceof MigrationError)) throw error;
 *   console.error(error.message, error.hint);
 *   console.log(error.code, error.exit); // CONFIG_INVALID 2
 * }
 * ```
 */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** The process's exit code, see the README's table. */
  readonly exit: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.exit = details.exit ?? CODES[code].exit;
  }
}

/**
 * Gives any thrown value as a {@link MigrationError}; what is one already passes through.
 * An error nobody translated is a defect and says so.
 */
export function toMigrationError(error: unknown): MigrationError {
  if (error instanceof MigrationError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new MigrationError("INTERNAL", message, {
    cause: error,
    hint: "run again with --set log.level=debug for the stack, and please report it",
  });
}

/** The error for changes that are gone from a stream before they were read. */
export function streamGap(what: string, cause?: unknown): MigrationError {
  return new MigrationError("STREAM_GAP", what, {
    ...(cause !== undefined && { cause }),
    hint: "the target misses changes of that table: set on_gap = resync to copy it again, or start over with --fresh",
  });
}
