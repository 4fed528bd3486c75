/** Whether an answer is as the service has sent it: DynamoDB says the CRC32 of each answer's bytes. */
import { crc32 } from "node:zlib";
import { malformed } from "./errors.ts";

/** The header with the checksum, in decimal digits. */
const HEADER = "x-amz-crc32";

/**
 * Refuses bytes that were changed on their way: changed within a value, they are JSON still, and nobody would see it.
 * An answer without a checksum passes, and so does one that came compressed, for the checksum is that of what was sent.
 *
 * @throws Error MalformedAnswerError, after which a call is made again
 */
export function checkSum({ headers }: Pick<Response, "headers">, body: Uint8Array): void {
  const sum = headers.get(HEADER);
  if (sum === null || (headers.get("content-encoding") ?? "identity") !== "identity") return;
  if (Number(sum) !== crc32(body)) throw malformed("the answer isn't what its checksum says");
}
