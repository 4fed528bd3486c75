/** Where a migration reads, writes and keeps its positions, in words: for the first line of a run, `status` and the page. */
import { resolve } from "node:path";
import { accountOf } from "./account.ts";
import { originalFolder } from "./checkpoint-folder.ts";
import type { Config } from "./config.ts";
import { hostsOf } from "./mongo-address.ts";
import { redactValue } from "./redact.ts";

/** The three places, without credentials. */
export interface Places {
  /** The account as far as it is known, or an endpoint, and the region. */
  source: string;
  /** Host and database, or the folder. */
  target: string;
  checkpoint: string;
}

/** As the configuration and the environment say; nobody is asked. */
export function describePlaces(config: Config): Places {
  return { source: source(config), target: target(config), checkpoint: checkpoint(config) };
}

function source(config: Config): string {
  const endpoint = config["source.endpoint_url"];
  const { "source.profile": profile, "source.role_arn": role } = config;
  const account = accountOf(role, config["source.access_key_id"]);
  return words(
    endpoint === "" ? "AWS" : redactValue("source.endpoint_url", endpoint),
    endpoint === "" && account && `account ${account}`,
    profile && `profile ${profile}`,
    region(config["source.region"], endpoint === ""),
  );
}

/** The region; without one in the configuration AWS' own variables count. */
function region(set: string, isAws: boolean): string {
  if (set !== "" || !isAws) return set;
  return process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || "";
}

function target(config: Config): string {
  const { "target.address": address, "target.region": set } = config;
  switch (config["target.type"]) {
    case "mongodb":
      return words(hostsOf(address), `database ${config.id}`);
    case "file":
      return `folder ${resolve(address)}`;
    case "aliyun_dynamo_proxy":
      return words(redactValue("target.address", address), set);
    case "plugin":
      return words("plugin", redactValue("target.address", address));
  }
}

function checkpoint(config: Config): string {
  const database = config["checkpoint.db"];
  if (config["checkpoint.type"] === "file") return `folder ${originalFolder(config)}-state`;
  return words(hostsOf(config["checkpoint.address"]), `database ${database}-state`);
}

function words(...parts: (string | false | undefined)[]): string {
  return parts.filter(Boolean).join(", ");
}
