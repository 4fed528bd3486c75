/** What the SDK throws, as errors that say what happened and what to do. */
import { type ErrorCode, MigrationError } from "../../core/errors.ts";

const CREDENTIALS =
  "check source.access_key_id, source.secret_access_key and source.session_token, or the profile or role in use";
const NETWORK = "check source.region and source.endpoint_url, and that this machine can reach it";

/** The SDK's error names, what they are to us, and what the user can do. */
const ERRORS: Record<string, [ErrorCode, hint: string]> = {
  UnrecognizedClientException: ["SOURCE_DENIED", CREDENTIALS],
  InvalidSignatureException: ["SOURCE_DENIED", CREDENTIALS],
  InvalidClientTokenId: ["SOURCE_DENIED", CREDENTIALS],
  MissingAuthenticationTokenException: ["SOURCE_DENIED", CREDENTIALS],
  IncompleteSignatureException: ["SOURCE_DENIED", CREDENTIALS],
  ExpiredTokenException: ["SOURCE_DENIED", "the session token has expired: get a new one"],
  CredentialsProviderError: [
    "SOURCE_DENIED",
    "set source.access_key_id and source.secret_access_key, or source.profile, or the usual AWS environment",
  ],
  AccessDeniedException: [
    "SOURCE_DENIED",
    "allow dynamodb:ListTables, DescribeTable and Scan to these credentials",
  ],
  ResourceNotFoundException: [
    "SOURCE_GONE",
    "the table was deleted while it was migrated: leave it out with filter.collection.black and start again",
  ],
  ProvisionedThroughputExceededException: [
    "SOURCE_THROTTLED",
    "lower qps.full or raise the table's capacity",
  ],
  ThrottlingException: ["SOURCE_THROTTLED", "lower qps.full"],
  RequestLimitExceeded: ["SOURCE_THROTTLED", "lower qps.full"],
  TimeoutError: ["SOURCE_UNREACHABLE", `raise source.session.timeout; ${NETWORK}`],
  ValidationException: ["SOURCE_FAILED", "check full.read.filter_expression and its values"],
};

/** Causes that mean there was no answer, in Bun's, Node's and Deno's words. */
const UNREACHABLE =
  /ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ConnectionRefused|ConnectionClosed|FailedToOpenSocket|Unable to connect|fetch failed|error sending request|socket connection|dns error|certificate/i;

/**
 * Translates what a call to the source threw.
 *
 * @param what the call in words, for example "Scan of table orders"
 */
export function sourceError(error: unknown, what: string): unknown {
  if (error instanceof MigrationError || !(error instanceof Error)) return error;
  if (error.name === "AbortError") return error;
  const known = ERRORS[error.name];
  if (known !== undefined) {
    return new MigrationError(known[0], `${error.name}, ${error.message}: ${what}`, {
      cause: error,
      hint: known[1],
    });
  }
  const cause = error.cause instanceof Error ? ` ${error.cause.message}` : "";
  const text = `${error.name} ${(error as { code?: string }).code ?? ""} ${error.message}${cause}`;
  if (/region is missing/i.test(text)) {
    return new MigrationError("SOURCE_FAILED", `no region is known: ${what}`, {
      cause: error,
      hint: "set source.region, for example source.region = us-east-2",
    });
  }
  if (UNREACHABLE.test(text)) {
    return new MigrationError("SOURCE_UNREACHABLE", `${error.message}: ${what}`, {
      cause: error,
      hint: NETWORK,
    });
  }
  return new MigrationError("SOURCE_FAILED", `${error.name}, ${error.message}: ${what}`, {
    cause: error,
    hint: "run again with --set log.level=debug to see more",
  });
}
