/** Where the requests of either side go, and with which credentials. */
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from "@smithy/types";
import type { Config } from "../core/config.ts";
import type { Side } from "./_dynamodb-errors.ts";

/** An endpoint, a region and credentials, as the SDK takes them. */
export type Access = Pick<DynamoDBClientConfig, "endpoint" | "region" | "profile"> & {
  credentials: NonNullable<DynamoDBClientConfig["credentials"]>;
};

type Credentials = Access["credentials"];

const LOCAL_REGION = "us-east-1";
/** For servers that look at no credentials. */
const PLACEHOLDER = { accessKeyId: "placeholder", secretAccessKey: "placeholder" };

/** The source's: `source.*`. */
export function sourceAccess(config: Config): Access {
  const endpoint = config["source.endpoint_url"];
  const profile = config["source.profile"];
  const region = config["source.region"] || (endpoint ? LOCAL_REGION : undefined);
  return {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(profile && { profile }),
    credentials: sourceCredentials(config) ?? (endpoint ? PLACEHOLDER : chain()),
  };
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

/** The target's address with its scheme; the original's has none and is reached without TLS. */
export function targetEndpoint(config: Config): string {
  const address = config["target.address"];
  return /^https?:\/\//i.test(address) ? address : `http://${address}`;
}

function serverOf(endpoint: string): { host: string; isAws: boolean } {
  const host = new URL(endpoint).hostname;
  return { host, isAws: /\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(host) };
}

/** The region in a host's name, such as `dynamodb.us-east-2.amazonaws.com`; empty: there is none. */
function regionOf(host: string): string {
  return /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:[\w-]+\.)*(?:amazonaws\.com|api\.aws)/.exec(host)?.[1] ?? "";
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
