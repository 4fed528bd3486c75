/** What the driver throws, as errors that say what happened and what to do. */
import {
  MongoCompatibilityError,
  MongoError,
  MongoMissingCredentialsError,
  MongoMissingDependencyError,
  MongoNetworkError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";
import { type ErrorCode, MigrationError } from "../../core/errors.ts";

/** The server's own word for a key that is there already. */
export const DUPLICATE_KEY = 11000;

/** Server errors that pass by themselves: elections, shutdowns, lost connections, exceeded times. */
const PASSING = new Set([
  6, 7, 46, 50, 64, 89, 91, 112, 117, 133, 134, 189, 262, 317, 358, 384, 9001, 10107, 11600, 11602, 13435,
  13436,
]);

const ADDRESS_FORM = "a connection string looks like mongodb://user:password@host:27017/?option=value";
const CREDENTIALS = "check user, password and authSource in target.address, and the user's roles";

/** The server's error codes, what they are to us, and what the user can do. */
const CODES: Record<number, [ErrorCode, hint: string]> = {
  13: ["TARGET_DENIED", "grant the user readWrite and dbAdmin on the target database"],
  18: ["TARGET_DENIED", CREDENTIALS],
  8000: ["TARGET_DENIED", CREDENTIALS],
  73: ["TARGET_FAILED", "choose another id, or rename the table by a plugin"],
  13297: ["TARGET_FAILED", "a database whose name differs by case only exists: choose another id"],
  14031: ["TARGET_FAILED", "the target's disk is full: make room and start again"],
  121: ["TARGET_FAILED", "the collection has a validator that refuses the document"],
};

/** Whether a write may be sent again: the answer was lost, or the server can't take it just now. */
export function isPassing(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (!(error instanceof MongoError)) return false;
  if (
    error.name === "MongoWaitQueueTimeoutError" ||
    error.name === "MongoPoolClearedError" ||
    error.name === "PoolClearedOnNetworkError"
  )
    return true;
  if (error.hasErrorLabel("RetryableWriteError")) return true;
  return error instanceof MongoServerError && PASSING.has(Number(error.code));
}

/** The error for an address that can't be used. */
export function addressError(key: string, error: unknown, hint: string = ADDRESS_FORM): MigrationError {
  const reason = error instanceof Error ? error.message : String(error);
  return new MigrationError("CONFIG_INVALID", `${key}: ${reason}`, { cause: error, hint });
}

/**
 * Translates what the first call threw: the driver looks at some of an address only then.
 *
 * @param key the setting that gave the address
 */
export function connectError(error: unknown, key: string): unknown {
  if (error instanceof MongoMissingDependencyError) {
    return addressError(key, error, "of the compressors zlib is always there: name it, or none");
  }
  if (isAboutAddress(error)) return addressError(key, error);
  const { path, message } = error as NodeJS.ErrnoException;
  if (path !== undefined) return addressError(key, error, `see whether ${path}, which it names, can be read`);
  const what = `connecting to ${key}`;
  // The resolver's errors are none of the driver's.
  if (error instanceof Error && /^query(Srv|Txt)\b/i.test(message)) return unreachable(error, what, key);
  return targetError(error, what, key);
}

function isAboutAddress(error: unknown): boolean {
  return (
    error instanceof MongoParseError ||
    error instanceof MongoMissingCredentialsError ||
    error instanceof MongoCompatibilityError ||
    (error instanceof MongoError && error.message.startsWith("Unable to parse "))
  );
}

function unreachable(error: Error, what: string, key: string): MigrationError {
  return new MigrationError("TARGET_UNREACHABLE", `${error.message}: ${what}`, {
    cause: error,
    hint: `check ${key}, and that the server runs and this machine can reach it`,
  });
}

/**
 * Translates what a call to MongoDB threw.
 *
 * @param what the call in words, for example "writing to app.orders"
 * @param key the setting that gave the address
 */
export function targetError(error: unknown, what: string, key = "target.address"): unknown {
  if (error instanceof MigrationError || !(error instanceof MongoError)) return error;
  const cause = error.cause instanceof MongoServerError ? error.cause : error;
  const known = cause instanceof MongoServerError ? CODES[Number(cause.code)] : undefined;
  if (known !== undefined) {
    return new MigrationError(known[0], `${cause.message}: ${what}`, { cause: error, hint: known[1] });
  }
  if (/authentication failed|auth(entication)? mechanism/i.test(error.message)) {
    return new MigrationError("TARGET_DENIED", `${error.message}: ${what}`, {
      cause: error,
      hint: CREDENTIALS,
    });
  }
  if (isPassing(error)) return unreachable(error, what, key);
  return new MigrationError("TARGET_FAILED", `${error.message}: ${what}`, {
    cause: error,
    hint: "run again with --set log.level=debug to see more",
  });
}
