/** Whether an answer is as the service has sent it: DynamoDB says the CRC32 of each answer's bytes. */
import { crc32 } from "node:zlib";
import type { Context } from "../../core/plugin/context.ts";
import { serverOf } from "./access.ts";
import { malformed } from "./errors.ts";

/** The header with the checksum, in decimal digits. */
const HEADER = "x-amz-crc32";

/** From here on the service is in trouble, whatever the bytes. */
const SERVER_ERROR = 500;
const TOO_MANY_REQUESTS = 429;
/** So many wrong ones are remembered; what is refused is asked for again at once. */
const REMEMBERED = 1000;
/** Bytes and their wrong sums. */
const refused = new Set<string>();
/** Servers whose sums are none. */
const wrongSenders = new Set<string>();

/**
 * Refuses bytes that were changed on their way: changed within a value, they are JSON still, and nobody would see it.
 * An answer without a checksum passes, and so does one that came compressed, for the checksum is that of what was sent.
 * What comes again, byte by byte, with the same wrong sum is the sender's own error: no way does the same damage twice.
 *
 * From then on nobody looks at the sums of that server.
 *
 * @param log told of that
 * @throws Error MalformedAnswerError, after which a call is made again
 */
export function checkSum(
  { headers, status, url }: Pick<Response, "headers" | "status" | "url">,
  body: Uint8Array,
  log: Pick<Context["log"], "warn">,
): void {
  if (status >= SERVER_ERROR || status === TOO_MANY_REQUESTS) return;
  const sum = headers.get(HEADER);
  if (sum === null || (headers.get("content-encoding") ?? "identity") !== "identity") return;
  const found = crc32(body);
  if (Number(sum) === found || wrongSenders.has(originOf(url))) return;
  const both = `${sum} ${found} ${body.length}`;
  // AWS itself gives no wrong ones.
  if (serverOf(url).isAws || !refused.delete(both)) {
    if (refused.size === REMEMBERED) refused.clear();
    refused.add(both);
    throw malformed("the answer isn't what its checksum says");
  }
  const origin = originOf(url);
  wrongSenders.add(origin);
  log.warn(`${origin} gives its answers wrong checksums (${HEADER}): they aren't looked at any more`);
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
