/**
 * Calls past the SDK's middleware: of a Scan it takes as much CPU as the page's conversion, and of a GetRecords that brings
 * nothing nearly all. That is the way of first tries: what has failed, and when it is tried again, is for the SDK to say.
 * It also makes the call where it isn't known yet where to send to, and at debug level, where it tells of each.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { FinalizeRequestMiddleware, MetadataBearer, MiddlewareStack } from "@smithy/types";
import { DEBUG } from "./call-log.ts";
import type { Caller, RawOutput } from "./client.ts";
import { passingFailure } from "./errors.ts";
import { createPost, type Post } from "./post.ts";
import { sentTo } from "./sent-to.ts";

/** What the SDK would hear again. */
const FOR_GOOD = [
  "AccessDeniedException",
  "ExpiredIteratorException",
  "ResourceNotFoundException",
  "TrimmedDataAccessException",
  "ValidationException",
];
/** What may stand around each try. */
export type Try = <T>(send: () => Promise<T>) => Promise<T>;

/**
 * Makes one call; gives the answer's body. Throws as the SDK does.
 *
 * @param each is called for each try
 */
export type RawCall<Request> = (request: Request, signal: AbortSignal, each?: Try) => Promise<Buffer>;

/** Any of the SDK's commands. */
interface Command {
  middlewareStack: Pick<MiddlewareStack<object, MetadataBearer>, "addRelativeTo">;
}

type SdkClient = DynamoDBClient | DynamoDBStreamsClient;

/** A client as far as it is of use here. */
interface Client {
  middlewareStack: unknown;
  send(command: Command, options: { abortSignal: AbortSignal }): Promise<unknown>;
}

/** What {@link createRawCall} takes beside its client. */
export interface RawCallOptions<Request> {
  /** Such as `Scan`. */
  operation: string;
  /** Which of the services at the address; default: the one of tables. */
  api?: string;
  /** The SDK's command. */
  command: (request: Request) => object;
}

/**
 * Makes it.
 *
 * @param connected a client that takes the operation's answer raw
 */
export function createRawCall<Request extends object>(
  { config, log }: Caller,
  connected: () => SdkClient,
  { operation, command, ...api }: RawCallOptions<Request>,
): RawCall<Request> {
  /** By the client whose credentials and clock it has. */
  const posts = new WeakMap<SdkClient, Post>();

  /** Undefined: the SDK has to make the call. */
  function direct(client: SdkClient): Post | undefined {
    const endpoint = sentTo(client);
    if (endpoint === undefined || log.level >= DEBUG) return undefined;
    const known = posts.get(client);
    if (known !== undefined) return known;
    const post = createPost(client, { endpoint, log, timeout: config["source.session.timeout"], ...api });
    posts.set(client, post);
    return post;
  }

  /** @param first what a try has failed with already: the SDK knows what to do about it */
  async function bySdk(
    request: Request,
    signal: AbortSignal,
    each: Try,
    first: { error: unknown } | undefined,
  ): Promise<Buffer> {
    let failure = first;
    const made = command(request) as Command;
    const around: FinalizeRequestMiddleware<object, MetadataBearer> = (next) => async (args) => {
      if (failure === undefined) return each(() => next(args));
      const { error } = failure;
      failure = undefined;
      throw error;
    };
    // Inside the SDK's retry loop and before the signing, so that a signature doesn't age in a queue.
    const place = { name: "eachTry", relation: "after", toMiddleware: "retryMiddleware" } as const;
    made.middlewareStack.addRelativeTo(around, place);
    const answer = await (connected() as unknown as Client).send(made, { abortSignal: signal });
    return (answer as RawOutput).body;
  }

  return async (request, signal, each = (send) => send()) => {
    const send = direct(connected());
    let first: { error: unknown } | undefined;
    if (send !== undefined) {
      try {
        return await each(() => send(operation, bodyOf(request), signal));
      } catch (error) {
        if (signal.aborted) throw abortError(error);
        if (FOR_GOOD.includes((error as Error).name)) throw error;
        // The SDK sets its clock by what it hears itself, and tries once more then.
        if (passingFailure(error) !== undefined) first = { error };
      }
    }
    return bySdk(request, signal, each, first);
  };
}

/** As the SDK's: a stop is no failure of the service, whatever the reason for it. */
function abortError(cause: unknown): Error {
  return Object.assign(new Error("Request aborted", { cause }), { name: "AbortError" });
}

/** A request as it is sent: bytes are base64. */
export function bodyOf(request: object): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(request, function (this: Record<string, unknown>, name, value: unknown) {
    // A Buffer makes something else of itself before anybody sees it.
    const own = this[name];
    return own instanceof Uint8Array ? Buffer.from(own).toString("base64") : value;
  });
  return new Uint8Array(Buffer.from(text));
}
