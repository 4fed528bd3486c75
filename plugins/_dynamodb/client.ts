/** The AWS SDK's client as this project uses it: its credentials, signing and retries, our body reading. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import type {
  DeserializeMiddleware,
  InitializeMiddleware,
  MetadataBearer,
  MiddlewareStack,
} from "@smithy/types";
import type { Context } from "../../core/plugin/context.ts";
import { ensureHome } from "../../core/host/home.ts";
import { logCalls } from "./call-log.ts";
import { sourceAccess, streamsAccess, targetAccess } from "./access.ts";
import { parseAnswer } from "./answer.ts";
import { checkSum } from "./checksum.ts";
import { fetchWhole, NO_REDIRECTS } from "./no-answer.ts";
import { noteAddress } from "./sent-to.ts";
import { strangeAnswer } from "./stranger.ts";

/** What a command whose body is taken raw gives. */
export interface RawOutput {
  /** The answer as the service sent it. */
  body: Buffer;
}

/** Who calls: whose configuration counts, and whose log. */
export type Caller = Pick<Context, "config" | "log">;

/** Any client's middleware. */
type Stack = MiddlewareStack<object, MetadataBearer>;

/** An answer as the handler gives it; headers by their names in small letters. */
interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Where the answer's body waits on its way around the deserializer. */
const BODY = Symbol("body");

/** The members without which an answer says nothing: to the SDK it would say that nothing is there. */
const NEEDED: Record<string, string> = {
  BatchGetItemCommand: "Responses",
  DescribeStreamCommand: "StreamDescription",
  DescribeTableCommand: "Table",
  DescribeTimeToLiveCommand: "TimeToLiveDescription",
  ListTablesCommand: "TableNames",
};

/**
 * A client for the configured source's tables.
 *
 * @param raw the commands whose successful answer is handed on as the JSON that was sent
 */
export function createClient({ config, log }: Caller, raw: string[]): DynamoDBClient {
  return made(new DynamoDBClient({ ...sourceAccess(config), ...transport({ config, log }) }), raw, log);
}

/**
 * The same for the service's streams.
 *
 * @param tries how often the SDK makes a call itself; default: as it is configured
 * @param heard told when an answer was given, by the service's clock, in ms since 1970
 * @throws MigrationError CONFIG_INVALID when nobody knows where they are
 */
export function createStreamsClient(
  { config, log }: Caller,
  raw: string[],
  tries?: number,
  heard?: (at: number) => void,
): DynamoDBStreamsClient {
  const options = { ...streamsAccess(config), ...transport({ config, log }, heard) };
  if (tries !== undefined) options.maxAttempts = tries;
  return made(new DynamoDBStreamsClient(options), raw, log);
}

/** The same for the configured target. */
export function createTargetClient({ config, log }: Caller, raw: string[]): DynamoDBClient {
  return made(new DynamoDBClient({ ...targetAccess(config), ...transport({ config, log }) }), raw, log);
}

function made<Client extends { middlewareStack: unknown }>(
  client: Client,
  raw: string[],
  log: Context["log"],
): Client {
  // First, so that it is around what takes the bodies: it tells how large they are.
  return noteAddress(withRawBodies(logCalls(client, log), raw));
}

function transport(
  { config, log }: Caller,
  heard?: (at: number) => void,
): { maxAttempts: number; requestHandler: FetchHttpHandler } {
  ensureHome();
  const timeout = config["source.session.timeout"];
  return {
    maxAttempts: config["source.session.max_retries"] + 1,
    requestHandler: new FetchHttpHandler({
      ...(timeout > 0 && { requestTimeout: timeout }),
      requestInit: () => NO_REDIRECTS,
      customFetch: ((request: Request) => fetched(request, log, heard)) as unknown as typeof fetch,
    }),
  };
}

/** Fetches with the body, so that the handler's timeout covers the whole exchange. */
async function fetched(request: Request, log: Caller["log"], heard?: (at: number) => void): Promise<object> {
  const { response, body } = await fetchWhole(request);
  checkSum(response, body, log);
  const { headers, status, statusText } = response;
  // A balancer's or a proxy's clock tells nothing of the service's.
  const isServices = status === 200 && headers.has("x-amzn-requestid");
  const at = isServices ? Date.parse(headers.get("date") ?? "") : Number.NaN;
  if (!Number.isNaN(at)) heard?.(at);
  return { headers, status, statusText, body };
}

/**
 * Takes a successful body past the SDK's deserializer, whose schema walk costs three times the parsing.
 * One middleware beside the deserializer keeps the body and hands on an empty one; one at the very
 * outside puts it into the output. The bodies of other commands are looked at before the SDK takes what isn't
 * there for empty.
 */
function withRawBodies<Client extends { middlewareStack: unknown }>(
  client: Client,
  commands: string[],
): Client {
  const stack = client.middlewareStack as Stack;
  const bodyIn: DeserializeMiddleware<object, MetadataBearer> = (next, context) => async (args) => {
    const result = await next(args);
    const response = result.response as Answer;
    if (response.statusCode !== 200) {
      const { statusCode: status, headers, body } = response;
      const strange = strangeAnswer({ status, headers: { get: (name) => headers[name] ?? null }, body });
      if (strange !== undefined) throw strange;
      return result;
    }
    const { buffer, byteOffset, length } = response.body;
    const body = Buffer.from(buffer, byteOffset, length);
    if (commands.includes(String(context.commandName))) {
      (context as Record<symbol, unknown>)[BODY] = body;
      response.body = new Uint8Array();
    } else parseAnswer<Record<string, unknown>>(body, NEEDED[String(context.commandName)]);
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
  return client;
}
