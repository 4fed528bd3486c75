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
import { hostsOf } from "../../core/config/mongo-address.ts";
import { certificateHint, certificateProblem } from "../_certificate-problem.ts";
import { type ErrorCode, MigrationError } from "../../core/errors.ts";

/** The server's own word for a key that is there already. */
export const DUPLICATE_KEY = 11000;

/** Server errors that pass by themselves: elections, shutdowns, lost connections, exceeded times. */
const PASSING = new Set([
  6, 7, 46, 50, 64, 89, 91, 112, 117, 133, 134, 189, 262, 317, 358, 384, 9001, 10107, 11600, 11602, 13435,
  13436,
]);

const ADDRESS_FORM = "a connection string looks like mongodb://user:password@host:27017/?option=value";
const credentials = (key: string): string =>
  `check user, password and authSource in ${key}, and the user's roles`;

/** The server's own word for an action that the user has no right to. */
const UNAUTHORIZED = 13;

/** The server's error codes, what they are to us, and what the user can do. */
const CODES: Record<number, [ErrorCode, hint: string]> = {
  73: ["TARGET_FAILED", "choose another id, or rename the table by a plugin"],
  13297: ["TARGET_FAILED", "a database whose name differs by case only exists: choose another id"],
  14031: ["TARGET_FAILED", "the target's disk is full: make room and start again"],
  121: ["TARGET_FAILED", "the collection has a validator that refuses the document"],
};

/** Users that the server doesn't know, or not under this password. */
const REFUSED = new Set([18, 8000]);
const AUTHENTICATION = /authentication failed|auth(entication)? mechanism/i;

/** Whether the user has no right to what was asked. */
export function isUnauthorized(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && Number(error.code) === UNAUTHORIZED;
}

/** What the server says of a right that is missing, without the command, whose values are nobody's business. */
function unauthorized(error: MongoServerError, what: string, cause: unknown): MigrationError {
  const message = error.message.replace(/ to execute command \{ ?(\w+)[^]*$/, " to execute $1");
  const database = /^not authorized on (\S+)/.exec(message)?.[1];
  const where =
    database === undefined || database === "admin" ? "the target database" : `database ${database}`;
  return new MigrationError("TARGET_DENIED", `${message}: ${what}`, {
    cause,
    hint: `grant the user readWrite and dbAdmin on ${where}`,
  });
}

function refusedUser(error: Error, what: string, key: string): MigrationError {
  return new MigrationError("TARGET_DENIED", `${error.message}: ${what}`, {
    cause: error,
    hint: credentials(key),
  });
}

/** A connection that breaks. */
const BROKEN = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ENOTCONN", "ETIMEDOUT"]);

/** Whether it is a socket's own error: of a command that waits to be written the driver throws that as it is. */
export function isBroken(error: unknown): error is Error {
  return error instanceof Error && BROKEN.has(String((error as NodeJS.ErrnoException).code));
}

/** Whether a write may be sent again: the answer was lost, or the server can't take it just now. */
export function isPassing(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (isBroken(error)) return true;
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
 * @param address what it gave
 */
export function connectError(error: unknown, key: string, address: string): unknown {
  if (error instanceof MigrationError) return error;
  if (error instanceof MongoMissingDependencyError) {
    return addressError(key, error, "of the compressors zlib is always there: name it, or none");
  }
  if (isAboutAddress(error)) return addressError(key, error);
  const { path, message } = error as NodeJS.ErrnoException;
  if (path !== undefined) return addressError(key, error, `see whether ${path}, which it names, can be read`);
  const what = `connecting to ${key}`;
  // The resolver's errors are none of the driver's.
  if (error instanceof Error && !(error instanceof MongoError) && address.startsWith("mongodb+srv:"))
    return unreachable(error, `no servers are known for ${hostsOf(address)}, ${message}`, what, key);
  if (error instanceof MongoServerSelectionError && isPlain(error))
    return unreachable(error, `no answer from ${hostsOf(address)}, ${message}`, what, key);
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

/** A server that refuses the user is no server that is away. */
function isPlain({ cause, message }: MongoServerSelectionError): boolean {
  return !(cause instanceof MongoServerError) && !AUTHENTICATION.test(message);
}

/** Options of the driver. */
const SHOW =
  "give tlsCertificateKeyFile=FILE in its address, a certificate with its key that hasn't expired and that the server trusts";
const TRUST = "give tlsCAFile=FILE in its address, a file with the certificate of who signed it";

function unreachable(error: Error, message: string, what: string, key: string): MigrationError {
  // Not the message, which has the hosts' names.
  const certificate = certificateProblem(error.message);
  if (certificate !== undefined) {
    return new MigrationError("TARGET_UNREACHABLE", `${message}, ${certificate.why}: ${what}`, {
      cause: error,
      hint: certificateHint(certificate, key, TRUST, SHOW),
    });
  }
  return new MigrationError("TARGET_UNREACHABLE", `${message}: ${what}`, {
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
  if (error instanceof MigrationError) return error;
  if (isBroken(error)) return unreachable(error, error.message, what, key);
  if (!(error instanceof MongoError)) return error;
  const cause = error.cause instanceof MongoServerError ? error.cause : error;
  if (isUnauthorized(cause)) return unauthorized(cause, what, error);
  if (cause instanceof MongoServerError && REFUSED.has(Number(cause.code)))
    return refusedUser(cause, what, key);
  const known = cause instanceof MongoServerError ? CODES[Number(cause.code)] : undefined;
  if (known !== undefined) {
    return new MigrationError(known[0], `${cause.message}: ${what}`, { cause: error, hint: known[1] });
  }
  if (AUTHENTICATION.test(error.message)) return refusedUser(error, what, key);
  if (isPassing(error)) return unreachable(error, error.message, what, key);
  return new MigrationError("TARGET_FAILED", `${error.message}: ${what}`, {
    cause: error,
    hint: "run again with --set log.level=debug to see more",
  });
}
