/** An answer's body, parsed; one that was cut off, or is a proxy's page with status 200, is none. */
import { isUtf8 } from "node:buffer";
import { malformed } from "./errors.ts";
import { kindOf } from "./stranger.ts";

/**
 * Parses it.
 *
 * @param member without which it says nothing: read as an empty one, it would say that nothing is there
 * @param is what the member has to be; default: an object
 * @throws Error MalformedAnswerError
 */
export function parseAnswer<Answer extends object>(
  body: Buffer,
  member?: keyof Answer & string,
  is: (value: unknown) => boolean = isObject,
): Answer {
  let answer: unknown;
  checkText(body);
  try {
    answer = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw malformed(kindOf(body), error);
  }
  if (!isObject(answer)) throw malformed("the answer is no JSON object");
  if (member !== undefined && !is((answer as Answer)[member])) throw malformed(`the answer has no ${member}`);
  return answer as Answer;
}

/**
 * Refuses bytes that are no UTF-8: read all the same, each would become U+FFFD in silence, or stand in the target as it is.
 *
 * @throws Error MalformedAnswerError
 */
export function checkText(body: Buffer): void {
  if (!isUtf8(body)) throw malformed("the answer is no valid UTF-8, as some servers take into items");
}

/** Whether it is an object, lists included. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
