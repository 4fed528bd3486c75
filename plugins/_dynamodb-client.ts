/** The AWS SDK's client as this project uses it: its credentials, signing and retries, our bodies. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import type {
  BuildMiddleware,
  DeserializeMiddleware,
  FinalizeRequestMiddleware,
  InitializeMiddleware,
  MetadataBearer,
  MiddlewareStack,
} from "@smithy/types";
import type { Config } from "../core/config.ts";
import { sourceAccess, targetAccess } from "./_dynamodb-access.ts";

/** What a command whose body is taken raw gives. */
export interface RawOutput {
  /** The answer as the service sent it. */
  body: Buffer;
}

/** Any client's middleware. */
type Stack = MiddlewareStack<object, MetadataBearer>;

/** Where the answer's body waits on its way around the deserializer. */
const BODY = Symbol("body");
/** Where a command's input has its body, on its way around the serializer. */
const REQUEST_BODY = Symbol("request body");
/** Where it has who is told of its tries. */
const ON_REPEAT = Symbol("on repeat");

/** A command's input that is JSON already. */
export interface RawInput {
  /** What is sent in place of the input. */
  body: Uint8Array;
  /** Told of each try of the SDK's own that failed and is followed by another, after so many ms. */
  onRepeat: (error: unknown, pause: number) => void;
}

/**
 * A client for the configured source's tables.
 *
 * @param raw the commands whose successful answer is handed on as the JSON that was sent
 */
export function createClient(config: Config, raw: string[]): DynamoDBClient {
  const client = new DynamoDBClient({ ...sourceAccess(config), ...transport(config) });
  rawBodies(client.middlewareStack as unknown as Stack, raw);
  return client;
}

/** The same for the service's streams. */
export function createStreamsClient(config: Config, raw: string[]): DynamoDBStreamsClient {
  const client = new DynamoDBStreamsClient({ ...sourceAccess(config), ...transport(config) });
  rawBodies(client.middlewareStack as unknown as Stack, raw);
  return client;
}

/** The same for the configured target; it takes {@link rawInput} too. */
export function createTargetClient(config: Config, raw: string[]): DynamoDBClient {
  const client = new DynamoDBClient({ ...targetAccess(config), ...transport(config) });
  const stack = client.middlewareStack as unknown as Stack;
  rawBodies(stack, raw);
  rawRequests(stack);
  return client;
}

/** Adds a body to a command's input, which is sent in its place. */
export function rawInput<Input extends object>(input: Input, { body, onRepeat }: RawInput): Input {
  return Object.assign(input, { [REQUEST_BODY]: body, [ON_REPEAT]: onRepeat });
}

function transport(config: Config): { maxAttempts: number; requestHandler: FetchHttpHandler } {
  const timeout = config["source.session.timeout"];
  return {
    maxAttempts: config["source.session.max_retries"] + 1,
    requestHandler: new FetchHttpHandler({
      ...(timeout > 0 && { requestTimeout: timeout }),
      customFetch: fetchWhole as typeof fetch,
    }),
  };
}

/** Fetches with the body, so that the handler's timeout covers the whole exchange. */
async function fetchWhole(request: Request): Promise<object> {
  const response = await fetch(request);
  const { headers, status, statusText } = response;
  return { headers, status, statusText, body: new Uint8Array(await response.arrayBuffer()) };
}

/**
 * Takes a successful body past the SDK's deserializer, whose schema walk costs three times the parsing.
 * One middleware beside the deserializer keeps the body and hands on an empty one; one at the very
 * outside puts it into the output.
 */
function rawBodies(stack: Stack, commands: string[]): void {
  const bodyIn: DeserializeMiddleware<object, MetadataBearer> = (next, context) => async (args) => {
    const result = await next(args);
    const response = result.response as { statusCode: number; body: Uint8Array };
    if (response.statusCode === 200 && commands.includes(String(context.commandName))) {
      const { body } = response;
      (context as Record<symbol, unknown>)[BODY] = Buffer.from(body.buffer, body.byteOffset, body.length);
      response.body = new Uint8Array();
    }
    return result;
  };
  const bodyOut: InitializeMiddleware<object, MetadataBearer> = (next, context) => async (args) => {
    const result = await next(args);
    const body = (context as Record<symbol, unknown>)[BODY];
    if (body !== undefined) Object.assign(result.output, { body });
    return result;
  };
  stack.addRelativeTo(bodyIn, {
    name: "rawBodyIn",
    relation: "after",
    toMiddleware: "deserializerMiddleware",
  });
  stack.add(bodyOut, { name: "rawBodyOut", step: "initialize", priority: "high" });
}

/** Puts a body that is JSON already in the place of the serializer's, before it is measured and signed. */
function rawRequests(stack: Stack): void {
  const body: BuildMiddleware<object, MetadataBearer> = (next) => (args) => {
    const own = (args.input as Record<symbol, Uint8Array | undefined>)[REQUEST_BODY];
    if (own !== undefined) {
      const request = args.request as { body: unknown; headers: Record<string, string> };
      request.body = own;
      request.headers["content-length"] = String(own.length);
    }
    return next(args);
  };
  stack.add(body, { name: "rawRequest", step: "build", priority: "high" });
  stack.addRelativeTo(
    repeats((input) => (input as Record<symbol, RawInput["onRepeat"] | undefined>)[ON_REPEAT]),
    { name: "repeats", relation: "after", toMiddleware: "retryMiddleware" },
  );
}

/** Stands inside the SDK's retry loop: tells of a failed try when the next one comes. */
function repeats(
  listener: (input: object) => RawInput["onRepeat"] | undefined,
): FinalizeRequestMiddleware<object, MetadataBearer> {
  return (next) => {
    let last: { error: unknown; at: number } | undefined;
    return async (args) => {
      if (last !== undefined) listener(args.input)?.(last.error, performance.now() - last.at);
      try {
        return await next(args);
      } catch (error) {
        last = { error, at: performance.now() };
        throw error;
      }
    };
  };
}
