/** Where the requests of either side go, and with which credentials. */
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from "@smithy/types";
import type { Config } from "../../core/config/config.ts";
import { MigrationError } from "../../core/errors.ts";
import type { Side } from "./errors.ts";

/** An endpoint, a region and credentials, as the SDK takes them. */
export type Access = Pick<DynamoDBClientConfig, "endpoint" | "region" | "profile"> & {
  credentials: NonNullable<DynamoDBClientConfig["credentials"]>;
};

type Credentials = Access["credentials"];

const LOCAL_REGION = "us-east-1";
const AWS_HOST =
  /\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$/;
/** For servers that look at no credentials. */
const PLACEHOLDER = { accessKeyId: "placeholder", secretAccessKey: "placeholder" };

/** The source's: `source.*`. A server that isn't AWS needs neither keys nor a region. */
export function sourceAccess(config: Config): Access {
  const endpoint = config["source.endpoint_url"];
  const profile = config["source.profile"];
  const { host, isAws } = serverOf(endpoint);
  const region = config["source.region"] || regionOf(host) || (endpoint ? LOCAL_REGION : undefined);
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(profile && { profile }),
    credentials: sourceCredentials(config) ?? (endpoint && !isAws ? PLACEHOLDER : chain()),
  };
}

/**
 * The same for the source's streams, whose API is on another host at AWS.
 *
 * @throws MigrationError CONFIG_INVALID when nobody knows where it is
 */
export function streamsAccess(config: Config): Access {
  const { endpoint: _, ...access } = sourceAccess(config);
  const endpoint = streamsEndpoint(config);
  return { ...access, ...(endpoint && { endpoint }) };
}

/** Where the streams' API is; empty: where the SDK looks for it. */
export function streamsEndpoint(config: Config): string {
  return (
    config["source.streams_endpoint_url"] ||
    process.env["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] ||
    streamsBeside(config["source.endpoint_url"])
  );
}

/** Whether the streams are those of AWS, with its limits. */
export function hasAwsStreams(config: Config): boolean {
  const endpoint = streamsEndpoint(config) || process.env["AWS_ENDPOINT_URL"] || "";
  return endpoint === "" || serverOf(endpoint).isAws;
}

const STREAMS_CALLS = ["DescribeStream", "GetRecords", "GetShardIterator"];

/** Where a call goes, for messages: without path and credentials. */
export function addressOf(config: Config, side: Side, call: string): string {
  if (side === "target") return new URL(targetEndpoint(config)).origin;
  const isStreams = STREAMS_CALLS.includes(call);
  const set = isStreams
    ? streamsEndpoint(config)
    : config["source.endpoint_url"] || process.env["AWS_ENDPOINT_URL_DYNAMODB"];
  const endpoint = set || process.env["AWS_ENDPOINT_URL"];
  if (endpoint) return URL.parse(endpoint)?.origin ?? endpoint;
  const region = config["source.region"] || process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"];
  const service = isStreams ? "DynamoDB Streams" : "DynamoDB";
  return region ? `${service} in ${region}` : service;
}

/** DynamoDB's hosts: with or without FIPS, of an account, of both IP versions. */
const TABLES_HOST = /^(?:dynamodb|\d{12}\.ddb)(-fips)?(\.[a-z]+(?:-[a-z]+)+-\d+\.)([a-z.]+)$/;
/** The suffixes of hosts with both IP versions, where the streams' host is called otherwise. */
const DUAL_STACK = ["api.aws", "api.amazonwebservices.com.cn"];

/** The address of the streams that belong to the tables' one. */
function streamsBeside(endpoint: string): string {
  const { host, isAws } = serverOf(endpoint);
  if (!isAws || /^streams[.-]/.test(host)) return endpoint;
  const [, fips = "", region, suffix = ""] = TABLES_HOST.exec(host) ?? [];
  if (region === undefined) {
    throw new MigrationError(
      "CONFIG_INVALID",
      `the streams are on another host than ${host}: source.endpoint_url`,
      {
        hint: "set source.streams_endpoint_url to the endpoint of DynamoDB Streams",
      },
    );
  }
  const name = DUAL_STACK.includes(suffix) ? "streams-dynamodb" : "streams.dynamodb";
  const url = new URL(endpoint);
  url.hostname = `${name}${fips}${region}${suffix}`;
  return url.href;
}

/**
 * The target's: `target.*`, then what the source is reached with. Where there is nothing at all, a server that
 * isn't AWS gets placeholders.
 */
export function targetAccess(config: Config): Access {
  const endpoint = targetEndpoint(config);
  const { host, isAws } = serverOf(endpoint);
  return {
    endpoint,
    region: config["target.region"] || regionOf(host) || config["source.region"] || LOCAL_REGION,
    credentials:
      keys(config, "target") ?? sourceCredentials(config) ?? (isAws ? chain() : chainOrPlaceholder()),
  };
}

/** The target's address with its scheme; NimoShake's has none and is reached without TLS. */
export function targetEndpoint(config: Config): string {
  const address = config["target.address"];
  return /^https?:\/\//i.test(address) ? address : `http://${address}`;
}

/** Whose an endpoint is; an empty one, or a request's without an address, is nobody's. */
export function serverOf(endpoint: string): { host: string; isAws: boolean } {
  const host = endpoint === "" ? "" : new URL(endpoint).hostname;
  return { host, isAws: AWS_HOST.test(host) };
}

/** The region in a host's name, such as `dynamodb.us-east-2.amazonaws.com`; empty: there is none. */
function regionOf(host: string): string {
  return AWS_HOST.test(host) ? (/\.([a-z]{2,}(?:-[a-z]+)+-\d+)\./.exec(host)?.[1] ?? "") : "";
}

/** Static keys, if they are set. */
function keys(config: Config, side: Side): AwsCredentialIdentity | undefined {
  const accessKeyId = config[`${side}.access_key_id`];
  if (accessKeyId === "") return undefined;
  const sessionToken = config[`${side}.session_token`];
  return {
    accessKeyId,
    secretAccessKey: config[`${side}.secret_access_key`],
    ...(sessionToken && { sessionToken }),
  };
}

/** What the configuration says of the source's: keys or a profile, and a role; undefined: nothing. */
function sourceCredentials(config: Config): Credentials | undefined {
  const profile = config["source.profile"];
  const role = config["source.role_arn"];
  const base = keys(config, "source") ?? (profile ? chain(profile) : undefined);
  if (!role) return base;
  return async (caller) => {
    const { fromTemporaryCredentials } = await providers();
    const params = { RoleArn: role, RoleSessionName: "nimo-shake" };
    return fromTemporaryCredentials({ masterCredentials: base ?? chain(), params })(caller);
  };
}

/** Only those who need a provider pay for loading all of them. */
const providers = (): Promise<typeof import("@aws-sdk/credential-providers")> =>
  import("@aws-sdk/credential-providers");

/** The SDK's usual chain; a failure names the profile. */
function chain(profile = ""): AwsCredentialIdentityProvider {
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

/** The chain, and placeholders where it finds nothing. */
function chainOrPlaceholder(): AwsCredentialIdentityProvider {
  const found = chain();
  return async (caller) => {
    try {
      return await found(caller);
    } catch (error) {
      if (error instanceof Error && error.name === "CredentialsProviderError") return PLACEHOLDER;
      throw error;
    }
  };
}
