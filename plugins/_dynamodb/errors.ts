/** What the SDK throws, as errors that say what happened and what to do, on either side. */
import { type ErrorCode, MigrationError } from "../../core/errors.ts";
import { certificateHint } from "../_certificate-problem.ts";
import { missingRight } from "./denied.ts";
import { isRedirect, isStrange } from "./stranger.ts";
import { noAnswerOf, reasonOf, textOf } from "./no-answer.ts";

/** Which of the two servers a call goes to. */
export type Side = "source" | "target";

/** What went wrong, without the side. */
type Kind = "DENIED" | "GONE" | "THROTTLED" | "FAILED" | "UNREACHABLE";

/** What the user can do, in one side's words. */
interface Words {
  credentials: string;
  expired: string;
  noCredentials: string;
  network: string;
  timeout: string;
  endpoint: string;
  gone: string;
  throttled: string;
  limit: string;
  invalid: string;
}

const LIMIT =
  "the account makes more such calls than the service allows: see who else lists its tables and streams";
const EXPIRED = "the session token has expired: get a new one";
const SOURCE_NETWORK = "check source.region and source.endpoint_url, and that this machine can reach it";
const TARGET_NETWORK = "check target.region and target.address, and that this machine can reach it";

const WORDS: Record<Side, Words> = {
  source: {
    credentials:
      "check source.access_key_id, source.secret_access_key and source.session_token, or the profile or role in use",
    noCredentials:
      "set source.access_key_id and source.secret_access_key, or source.profile, or the usual AWS environment",
    expired: EXPIRED,
    network: SOURCE_NETWORK,
    timeout: `raise source.session.timeout, or lower qps.full.batch_num or qps.incr.batch_num; ${SOURCE_NETWORK}`,
    endpoint: "see whether source.endpoint_url is a DynamoDB endpoint",
    gone: "the table was deleted while it was migrated: take it off filter.collection.white, or leave it out with filter.collection.black, and start again",
    throttled: "lower qps.full or full.read.capacity, or raise the table's capacity",
    limit: LIMIT,
    invalid: "check full.read.filter_expression and its values",
  },
  target: {
    credentials:
      "check target.access_key_id, target.secret_access_key and target.session_token; without them the source's are used",
    noCredentials: "set target.access_key_id and target.secret_access_key, or the usual AWS environment",
    expired: EXPIRED,
    network: TARGET_NETWORK,
    timeout: `raise source.session.timeout; ${TARGET_NETWORK}`,
    endpoint: "see whether target.address is a DynamoDB endpoint",
    gone: "the table was deleted while it was written: start over with --fresh",
    throttled: "lower full.document.concurrency, or raise the table's capacity",
    limit: LIMIT,
    invalid: "see what the target says of the request; --set log.level=debug shows more",
  },
};

/** The SDK's error names, what they are to us, and which of the words help. */
const ERRORS: Record<string, [Kind, keyof Words | "right"]> = {
  UnrecognizedClientException: ["DENIED", "credentials"],
  InvalidSignatureException: ["DENIED", "credentials"],
  InvalidClientTokenId: ["DENIED", "credentials"],
  MissingAuthenticationTokenException: ["DENIED", "credentials"],
  IncompleteSignatureException: ["DENIED", "credentials"],
  ExpiredTokenException: ["DENIED", "expired"],
  CredentialsProviderError: ["DENIED", "noCredentials"],
  AccessDeniedException: ["DENIED", "right"],
  AccessDenied: ["DENIED", "right"],
  ResourceNotFoundException: ["GONE", "gone"],
  ProvisionedThroughputExceededException: ["THROTTLED", "throttled"],
  ThrottlingException: ["THROTTLED", "throttled"],
  RequestLimitExceeded: ["THROTTLED", "throttled"],
  LimitExceededException: ["THROTTLED", "limit"],
  MalformedAnswerError: ["FAILED", "endpoint"],
  NotDynamoDBError: ["FAILED", "endpoint"],
  TimeoutError: ["UNREACHABLE", "timeout"],
  ValidationException: ["FAILED", "invalid"],
};

/** What ends a run in its midst has lost nothing. */
const GOES_ON = "a checkpoint is saved: start again, and it goes on where it stopped";

const SECOND = 1000;

/** Causes that mean there was no answer, in Bun's, Node's and Deno's words. */
const UNREACHABLE =
  /ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ConnectionRefused|ConnectionClosed|FailedToOpenSocket|Unable to connect|fetch failed|error sending request|socket connection|dns error|certificate/i;

/** Causes that don't pass by themselves, though there was no answer. */
const LASTING = /certificate/i;

/** Bad gateway, service unavailable, gateway timeout. */
const UNREACHED = [502, 503, 504];

/** Whether a failure may pass by itself, and how; undefined: it won't. */
export function passingFailure(error: unknown): "throttled" | "away" | undefined {
  if (!(error instanceof Error) || error instanceof MigrationError || error.name === "AbortError") {
    return undefined;
  }
  const silence = noAnswerOf(error);
  if (silence !== undefined) return silence.lasts ? undefined : "away";
  const status = statusOf(error);
  if (ERRORS[error.name]?.[0] === "THROTTLED" || status === 429) return "throttled";
  if (status >= 500 || isRedirect(status)) return "away";
  if (error.name === "TimeoutError" || error.name === "MalformedAnswerError") return "away";
  // The service has answered: its names may look like a network's, as ResourceNotFound does.
  if (status > 0 || ERRORS[error.name] !== undefined) return undefined;
  const text = textOf(error);
  return UNREACHABLE.test(text) && !LASTING.test(text) ? "away" : undefined;
}

/** Whether a failure is what DynamoDB has said, rather than silence, or somebody else. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && statusOf(error) > 0 && !isStrange(error);
}

/** Whether it is a balancer that answers and can't reach whom it stands for: somebody is known to be there. */
export function isBalancers(error: unknown): boolean {
  return error instanceof Error && isStrange(error) && UNREACHED.includes(statusOf(error));
}

/** The service's own name of what a call failed with; empty: it was no answer. */
export function causeName(error: unknown): string {
  const cause = error instanceof MigrationError ? error.cause : error;
  return cause instanceof Error ? cause.name : "";
}

function statusOf(error: Error): number {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
}

/** The error for an answer that is none. */
export function malformed(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: "MalformedAnswerError" });
}

/** The error for an answer of which a part is found to be broken when its call can't be made again. */
export function brokenInside(what: string, cause: unknown): MigrationError {
  return new MigrationError("SOURCE_FAILED", what, {
    cause,
    hint: "start again: it is asked for anew; if it stays so, see what stands between here and the source",
  });
}

/** A call that was made. */
export interface Called {
  /** Such as `Scan`. */
  call: string;
  /** Undefined: it is about none. */
  table?: string;
}

/** What {@link callError} may say of a call. */
export interface Tries {
  /** For how long it was made again, in ms. */
  patience: number;
  /** Whether there is something to go on from. */
  begun: boolean;
  /** Where it was sent. */
  address: string;
}

/** A call in words: `Scan of table orders`. */
export function callName({ call, table }: Called): string {
  return table === undefined ? call : `${call} of table ${table}`;
}

/** Translates what a call threw. */
export function callError(
  side: Side,
  error: unknown,
  called: Called,
  { patience, begun, address }: Tries,
): unknown {
  if (error instanceof MigrationError || !(error instanceof Error)) return error;
  if (error.name === "AbortError") return error;
  const words = WORDS[side];
  const passing = passingFailure(error) !== undefined;
  const what = `${callName(called)}${passing ? `, tried for ${Math.round(patience / SECOND)} s` : ""}`;
  const made = (code: ErrorCode, message: string, hint: string): MigrationError =>
    new MigrationError(code, `${message}: ${what}`, {
      cause: error,
      hint: passing && begun ? `${hint}; ${GOES_ON}` : hint,
    });

  const silence = noAnswerOf(error);
  if (silence !== undefined) {
    const { certificate } = silence;
    const hint =
      certificate === undefined
        ? silence.isStranger
          ? words.endpoint
          : words.network
        : certificateHint(certificate, side === "source" ? "source.endpoint_url" : "target.address", trust());
    return made(codeOf(side, "UNREACHABLE"), said(error, address), hint);
  }
  const known = isStrange(error) ? ERRORS["NotDynamoDBError"] : ERRORS[error.name];
  if (known !== undefined) {
    const [kind, hint] = known;
    const right = (): string => missingRight(error.message, called.call, called.table);
    return made(codeOf(side, kind), said(error, address), hint === "right" ? right() : words[hint]);
  }
  const text = textOf(error);
  if (/region is missing/i.test(text)) {
    const hint = `set ${side}.region, for example ${side}.region = us-east-2`;
    return made("CONFIG_INVALID", "no region is known", hint);
  }
  if (UNREACHABLE.test(text)) return made(codeOf(side, "UNREACHABLE"), reasonIn(error), words.network);
  const more = "run again with --set log.level=debug to see more";
  return made(codeOf(side, "FAILED"), said(error, address), more);
}

/** The SDK for JavaScript leaves alone what those for other languages read. */
function trust(): string {
  const instead = process.env["AWS_CA_BUNDLE"] ? ", for AWS_CA_BUNDLE isn't read" : "";
  return `set the environment variable NODE_EXTRA_CA_CERTS to a file with the certificate of who signed it${instead}`;
}

/** What an error says, in the user's words. */
export function said(error: Error, address: string): string {
  const silence = noAnswerOf(error);
  if (silence !== undefined) {
    const { isStranger, address: asked, why } = silence;
    return `${isStranger ? "no DynamoDB answers at" : "no answer from"} ${asked}, ${why}`;
  }
  if (error.name === "TimeoutError") return `no answer from ${address} in time`;
  if (error.name === "MalformedAnswerError" || isStrange(error))
    return `no DynamoDB answers at ${address}, ${error.message}`;
  return `${error.name}, ${error.message}`;
}

/** A table that is gone from the target is no case of its own there: whoever deletes it starts over. */
function codeOf(side: Side, kind: Kind): ErrorCode {
  if (side === "source") return `SOURCE_${kind}`;
  return kind === "GONE" ? "TARGET_FAILED" : `TARGET_${kind}`;
}

/** Of a connection to another service, say one that gives credentials. */
function reasonIn(error: Error): string {
  return `no answer from a service that is asked for credentials, ${reasonOf(error).why}`;
}
