import { MigrationError } from "./errors.ts";

/** The error for changes that are gone from a stream before they were read. */
export function gap(what: string, cause?: unknown): MigrationError {
  return new MigrationError("STREAM_GAP", what, {
    ...(cause !== undefined && { cause }),
    hint: "the target misses changes of that table: set on_gap = resync to copy it again, or start over with --fresh",
  });
}
