/**
 * Calls whose bodies are bytes both ways, with the SDK's credentials and clock: its middleware would cost four times
 * the rest, and a BatchWriteItem takes 25 items only.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { Context } from "../../core/plugin/context.ts";
import { checkSum } from "./checksum.ts";
import { fetchWhole, NO_REDIRECTS } from "./no-answer.ts";
import { createSign } from "./sign.ts";
import { strangeAnswer } from "./stranger.ts";

/** Where and how long to wait. */
export interface PostOptions {
  endpoint: string;
  /** Which of the services at that address; default: the one of tables. */
  api?: string;
  /** For one request, in ms; 0: for ever. */
  timeout: number;
  log: Context["log"];
}

/**
 * Makes one call, once.
 *
 * @param operation such as `BatchWriteItem`
 * @returns the answer's body
 * @throws Error as the SDK's: the service's name for it, its message, and the status in `$metadata`
 */
export type Post = (operation: string, body: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<Buffer>;

/** Makes it, with a client's credentials, region and clock. */
export function createPost(
  { config }: DynamoDBClient | DynamoDBStreamsClient,
  { endpoint, timeout, log, api = "DynamoDB_20120810" }: PostOptions,
): Post {
  const { host, pathname: path } = new URL(endpoint);
  const sign = createSign();

  return async (operation, body, signal) => {
    const [credentials, region] = await Promise.all([config.credentials(), config.region()]);
    const date = new Date(Date.now() + config.systemClockOffset);
    const headers = sign({ host, path, target: `${api}.${operation}`, body, date }, credentials, region);
    const ending = new AbortController();
    const stop = (): void => ending.abort(signal.reason);
    const late = (): void => ending.abort(named("TimeoutError", `no answer within ${timeout} ms`));
    const timer = timeout > 0 ? setTimeout(late, timeout) : undefined;
    signal.addEventListener("abort", stop, { once: true });
    try {
      signal.throwIfAborted();
      const sent = { ...NO_REDIRECTS, method: "POST", headers, body, signal: ending.signal };
      const { response, body: received } = await fetchWhole(endpoint, sent);
      checkSum(response, received, log);
      const answer = Buffer.from(received.buffer);
      const { status } = response;
      if (status !== 200)
        throw strangeAnswer({ status, headers: response.headers, body: answer }) ?? refused(status, answer);
      return answer;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** The service's error: `{ "__type": "com.amazonaws.dynamodb.v20120810#Name", "message": … }`. */
function refused(status: number, answer: Buffer): Error {
  const told = JSON.parse(answer.toString("utf8")) as Record<string, unknown>;
  const name = String(told["__type"]).split("#").at(-1)!;
  const message = String(told["message"] ?? told["Message"] ?? `status ${status}`);
  return Object.assign(named(name, message), { $metadata: { httpStatusCode: status } });
}
