/** What the SDK throws, as errors that say what happened and what to do. */
import { type ErrorCode, MigrationError } from "../../core/errors.ts";

const CREDENTIALS =
  "check source.access_key_id, source.secret_access_key and source.session_token, or the profile or role in use";
const NETWORK = "check source.region and source.endpoint_url, and that this machine can reach it";
const THROTTLED = "lower qps.full or full.read.capacity, or raise the table's capacity";
/** What ends a run in its midst has lost nothing. */
const GOES_ON = "a checkpoint is saved: start again, and it goes on where it stopped";

const SECOND = 1000;

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
  ProvisionedThroughputExceededException: ["SOURCE_THROTTLED", THROTTLED],
  ThrottlingException: ["SOURCE_THROTTLED", THROTTLED],
  RequestLimitExceeded: ["SOURCE_THROTTLED", THROTTLED],
  MalformedAnswerError: ["SOURCE_FAILED", "see whether source.endpoint_url is a DynamoDB endpoint"],
  TimeoutError: ["SOURCE_UNREACHABLE", `raise source.session.timeout; ${NETWORK}`],
  ValidationException: ["SOURCE_FAILED", "check full.read.filter_expression and its values"],
};

/** Causes that mean there was no answer, in Bun's, Node's and Deno's words. */
const UNREACHABLE =
  /ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ConnectionRefused|ConnectionClosed|FailedToOpenSocket|Unable to connect|fetch failed|error sending request|socket connection|dns error|certificate/i;

/** Causes that don't pass by themselves, though there was no answer. */
const LASTING = /certificate/i;

/** Whether a failure may pass by itself, and how; undefined: it won't. */
export function passingFailure(error: unknown): "throttled" | "away" | undefined {
  if (!(error instanceof Error) || error instanceof MigrationError || error.name === "AbortError") {
    return undefined;
  }
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  if (ERRORS[error.name]?.[0] === "SOURCE_THROTTLED" || status === 429) return "throttled";
  if (status >= 500 || error.name === "TimeoutError" || error.name === "MalformedAnswerError") return "away";
  // The service has answered: its names may look like a network's, as ResourceNotFound does.
  if (status > 0 || ERRORS[error.name] !== undefined) return undefined;
  const text = textOf(error);
  return UNREACHABLE.test(text) && !LASTING.test(text) ? "away" : undefined;
}

/**
 * Translates what a call to the source threw.
 *
 * @param call in words, for example "Scan of table orders"
 * @param patience for how long it was tried again, in ms, where it is once the run has begun
 */
export function sourceError(error: unknown, call: string, patience?: number): unknown {
  if (error instanceof MigrationError || !(error instanceof Error)) return error;
  if (error.name === "AbortError") return error;
  const passing = patience !== undefined && passingFailure(error) !== undefined;
  const what = passing ? `${call}, tried for ${Math.round(patience / SECOND)} s` : call;
  const made = (code: ErrorCode, message: string, hint: string): MigrationError =>
    new MigrationError(code, `${message}: ${what}`, {
      cause: error,
      hint: passing ? `${hint}; ${GOES_ON}` : hint,
    });

  const known = ERRORS[error.name];
  if (known !== undefined) return made(known[0], `${error.name}, ${error.message}`, known[1]);
  const text = textOf(error);
  if (/region is missing/i.test(text)) {
    const hint = "set source.region, for example source.region = us-east-2";
    return made("SOURCE_FAILED", "no region is known", hint);
  }
  if (UNREACHABLE.test(text)) return made("SOURCE_UNREACHABLE", error.message, NETWORK);
  const more = "run again with --set log.level=debug to see more";
  return made("SOURCE_FAILED", `${error.name}, ${error.message}`, more);
}

/** Where the words of a failed connection may be. */
function textOf(error: Error): string {
  const cause = error.cause instanceof Error ? ` ${error.cause.message}` : "";
  return `${error.name} ${(error as { code?: string }).code ?? ""} ${error.message}${cause}`;
}
