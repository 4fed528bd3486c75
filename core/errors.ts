/** Every failure: its code, its exit code, and what the user can do about it. */
import { CODES, type ErrorCode } from "./error-codes.ts";

export type { ErrorCode } from "./error-codes.ts";

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

/** What a thrown value says, whatever it is: a plugin may throw anything, and an error's own message may throw as well. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "it threw what has no words";
  }
}

/**
 * Gives any thrown value as a {@link MigrationError}; what is one already passes through.
 * An error nobody translated is a defect and says so.
 */
export function toMigrationError(error: unknown): MigrationError {
  if (error instanceof MigrationError) return error;
  const message = error instanceof Error ? `${nameOf(error)}: ${reasonOf(error)}` : reasonOf(error);
  return new MigrationError("INTERNAL", message, {
    cause: error,
    hint: "run again with --set log.level=debug for the stack, and please report it",
  });
}

function nameOf(error: Error): string {
  try {
    return String(error.name);
  } catch {
    return "Error";
  }
}

/** The error for changes that are gone from a stream before they were read. */
export function streamGap(what: string, cause?: unknown): MigrationError {
  return new MigrationError("STREAM_GAP", what, {
    ...(cause !== undefined && { cause }),
    hint: "the target misses changes of that table: set on_gap = resync to copy it again, or start over with --fresh",
  });
}
