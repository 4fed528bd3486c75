/** The AWS SDK's client as this project uses it: its credentials, signing and retries, our body reading. */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient, type DynamoDBStreamsClientConfig } from "@aws-sdk/client-dynamodb-streams";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import type {
  AwsCredentialIdentityProvider,
  DeserializeMiddleware,
  InitializeMiddleware,
  MetadataBearer,
  MiddlewareStack,
} from "@smithy/types";
import type { Config } from "../../core/config.ts";

/** What a command whose body is taken raw gives. */
export interface RawOutput {
  /** The answer as the service sent it. */
  body: Buffer;
}

/** Either client's middleware. */
type Stack = MiddlewareStack<object, MetadataBearer>;

/** Where the body waits on its way around the deserializer. */
const BODY = Symbol("body");

/**
 * A client for the configured source's tables.
 *
 * @param raw the commands whose successful answer is handed on as the JSON that was sent
 */
export function createClient(config: Config, raw: string[]): DynamoDBClient {
  const client = new DynamoDBClient(clientOptions(config));
  rawBodies(client.middlewareStack as unknown as Stack, raw);
  return client;
}

/** The same for the service's streams. */
export function createStreamsClient(config: Config, raw: string[]): DynamoDBStreamsClient {
  const client = new DynamoDBStreamsClient(clientOptions(config));
  rawBodies(client.middlewareStack as unknown as Stack, raw);
  return client;
}

/** Where both clients send their requests, and with which credentials. */
function clientOptions(config: Config): DynamoDBClientConfig & DynamoDBStreamsClientConfig {
  const endpoint = config["source.endpoint_url"];
  const region = config["source.region"] || (endpoint ? "us-east-1" : undefined);
  const timeout = config["source.session.timeout"];
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(config["source.profile"] && { profile: config["source.profile"] }),
    credentials: credentials(config),
    maxAttempts: config["source.session.max_retries"] + 1,
    requestHandler: new FetchHttpHandler({
      ...(timeout > 0 && { requestTimeout: timeout }),
      customFetch: fetchWhole as typeof fetch,
    }),
  };
}

/** Static keys, else placeholders for a bare endpoint, else the SDK's chain; then the role. */
function credentials(config: Config): NonNullable<DynamoDBClientConfig["credentials"]> {
  const profile = config["source.profile"];
  const accessKeyId = config["source.access_key_id"];
  const sessionToken = config["source.session_token"];
  const base = accessKeyId
    ? {
        accessKeyId,
        secretAccessKey: config["source.secret_access_key"],
        ...(sessionToken && { sessionToken }),
      }
    : config["source.endpoint_url"] && !profile
      ? { accessKeyId: "placeholder", secretAccessKey: "placeholder" }
      : chain(profile);
  const role = config["source.role_arn"];
  if (!role) return base;
  return async (caller) => {
    const { fromTemporaryCredentials } = await providers();
    const params = { RoleArn: role, RoleSessionName: "nimo-shake" };
    return fromTemporaryCredentials({ masterCredentials: base, params })(caller);
  };
}

/** Only those who need a provider pay for loading all of them. */
const providers = (): Promise<typeof import("@aws-sdk/credential-providers")> =>
  import("@aws-sdk/credential-providers");

/** The SDK's usual chain; a failure names the profile. */
function chain(profile: string): AwsCredentialIdentityProvider {
  return async (caller) => {
    const { fromNodeProviderChain } = await providers();
    try {
      return await fromNodeProviderChain(profile === "" ? {} : { profile })(caller);
    } catch (error) {
      if (profile !== "" && error instanceof Error) error.message += `, source.profile = ${profile}`;
      throw error;
    }
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
