/** Why nobody answers at an address. Each runtime has its own words for it, with advice for who writes programs. */

import { type CertificateProblem, certificateProblem } from "../_certificate-problem.ts";

/** An exchange that came to nothing. */
export interface NoAnswer {
  /** Without path and credentials. */
  address: string;
  /** In the user's words. */
  why: string;
  /** It doesn't pass by itself. */
  lasts: boolean;
  /** Somebody is there, and it can't be a DynamoDB. */
  isStranger: boolean;
  /** It was refused because of the server's certificate. */
  certificate?: CertificateProblem;
}

/** What the words of a runtime mean. */
interface Reason extends Partial<Omit<NoAnswer, "address">> {
  /** In names, codes and messages, of Bun, Node and Deno. */
  words: RegExp;
  why: string;
}

const REASONS: readonly Reason[] = [
  {
    words: /EPROTO|WRONG_VERSION_NUMBER|TLS handshake failed|InvalidContentType/i,
    why: "it speaks no TLS, and an address without begins with http://",
    isStranger: true,
  },
  {
    words: /Malformed_HTTP|HPE_INVALID|HTTP version parsed|HTTP header parsed/i,
    why: "what is there speaks no HTTP",
    isStranger: true,
  },
  {
    words: /ENOTFOUND|EAI_AGAIN|EAI_FAIL|FailedToOpenSocket|dns error/i,
    why: "no address is known for that name",
  },
  {
    words: /ECONNREFUSED|ConnectionRefused|connection refused|bad port|are blocked/i,
    why: "the connection is refused",
  },
  {
    words: /EHOSTUNREACH|ENETUNREACH|host unreachable|network unreachable/i,
    why: "there is no way to it from this machine",
  },
  { words: /ETIMEDOUT|timed out|CONNECT_TIMEOUT/i, why: "the connection came to nothing in time" },
];
/** So many causes are looked at, for they may go round in circles. */
const DEEPEST = 4;
const CLOSED = "the connection was closed before an answer came";
const MAYBE_TLS = "; if it speaks TLS, its address begins with https://";

/** Followed, a redirect would turn a call into another one. */
export const NO_REDIRECTS: RequestInit = { redirect: "manual" };

/** Fetches an answer whole; what it fails with says where and why, see {@link noAnswerOf}. */
export async function fetchWhole(
  request: Request | string,
  options?: RequestInit,
): Promise<{ response: Response; body: Uint8Array<ArrayBuffer> }> {
  try {
    const response = await fetch(request, options);
    return { response, body: new Uint8Array(await response.arrayBuffer()) };
  } catch (error) {
    if (
      error instanceof TypeError ||
      (error instanceof Error && "code" in error && error.name !== "AbortError")
    ) {
      const { origin } = new URL(typeof request === "string" ? request : request.url);
      const { why, ...what } = reasonOf(error);
      const more = why === CLOSED && origin.startsWith("http:") ? MAYBE_TLS : "";
      NO_ANSWERS.set(error, { address: origin, why: `${why}${more}`, ...what });
    }
    throw error;
  }
}

/** Beside the errors: the SDK looks at their own members to see whether it tries again. */
const NO_ANSWERS = new WeakMap<Error, NoAnswer>();

/** What is known of an exchange that came to nothing; undefined: it isn't what an error is about. */
export function noAnswerOf(error: Error): NoAnswer | undefined {
  return NO_ANSWERS.get(error);
}

/** What an error of a runtime means; exported for tests: what each says can't be had from one of them. */
export function reasonOf(error: Error): Omit<NoAnswer, "address"> {
  const text = textOf(error);
  const certificate = certificateProblem(text);
  if (certificate !== undefined) return { why: certificate.why, lasts: true, isStranger: false, certificate };
  const {
    why = CLOSED,
    lasts = false,
    isStranger = false,
  } = REASONS.find(({ words }) => words.test(text)) ?? {};
  return { why, lasts, isStranger };
}

/** Where the words of a failed connection may be. */
export function textOf(error: Error, depth = 0): string {
  const { name, message, cause } = error;
  const { code = "" } = error as { code?: string };
  const more = cause instanceof Error && depth < DEEPEST ? ` ${textOf(cause, depth + 1)}` : "";
  return `${name} ${code} ${message}${more}`;
}
