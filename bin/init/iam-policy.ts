/** The rights at AWS that a configuration needs, action by action, as policies of IAM. */
import type { Config } from "../../core/config/config.ts";

/** A policy as IAM takes it. */
export interface Policy {
  Version: "2012-10-17";
  Statement: Statement[];
}

interface Statement {
  Sid: string;
  Effect: "Allow";
  Action: string[];
  Resource: string | string[];
}

/** A policy, whose it is, and what is to be said of it. */
export interface NamedPolicy {
  /** `for source.role_arn`. */
  whose: string;
  policy: Policy;
  /** Why an action is among them, where it isn't for {@link REASONS}. */
  reasons?: Readonly<Record<string, string>>;
}

/** Partitions by the beginning of their regions' names; all others are `aws`. */
const PARTITIONS: readonly [regions: RegExp, partition: string][] = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
  [/^us-isof-/, "aws-iso-f"],
  [/^eu-isoe-/, "aws-iso-e"],
  [/^eusc-/, "aws-eusc"],
];
const AWS_HOST =
  /(?:^|\.)(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$/;

/** The source's, and where a role is assumed, that of who assumes it. Empty: the source is no AWS. */
export function sourcePolicies(config: Config): NamedPolicy[] {
  const endpoint = config["source.endpoint_url"];
  if (endpoint !== "" && !isAws(endpoint)) return [];
  const role = config["source.role_arn"];
  const policy = sourcePolicy(config);
  if (role === "") return [{ whose: "the source's credentials", policy }];
  return [
    { whose: `the role ${role}`, policy },
    {
      whose: "the credentials that assume it; its trust policy has to name them, too",
      policy: policyOf([allow("AssumeTheRole", ["sts:AssumeRole"], role)]),
    },
  ];
}

/** What is done at the source by `check`, `run`, `verify` and `clean` under a configuration. */
export function sourcePolicy(config: Config): Policy {
  const place = placeOf(
    config["source.region"] || regionOf(config["source.endpoint_url"]),
    config["source.role_arn"],
  );
  const white = config["filter.collection.white"];
  const tables = (white.length > 0 ? white : ["*"]).map((name) => `${place}:table/${name}`);
  const follows = config.sync_mode !== "full";
  const reads = [
    "DescribeTable",
    "DescribeTimeToLive",
    "Scan",
    "BatchGetItem",
    ...(follows ? ["UpdateTable"] : []),
  ];
  const statements = [allow("ReadTables", dynamodb(reads), one(tables))];
  // Tables that are named needn't be found.
  if (white.length === 0 || white.some((name) => name.includes("*")))
    statements.push(allow("FindTables", dynamodb(["ListTables"]), "*"));
  if (follows) {
    const streams = tables.map((table) => `${table}/stream/*`);
    const actions = ["DescribeStream", "GetShardIterator", "GetRecords"];
    statements.push(allow("FollowStreams", dynamodb(actions), one(streams)));
  }
  return policyOf(statements);
}

/** The target's, where that is DynamoDB at AWS; undefined: it isn't. */
export function targetPolicy(config: Config): NamedPolicy | undefined {
  const address = config["target.address"];
  if (config["target.type"] !== "aliyun_dynamo_proxy" || !isAws(address)) return undefined;
  const place = placeOf(config["target.region"] || regionOf(address) || config["source.region"], "");
  const white = config["filter.collection.white"];
  const tables = (white.length > 0 ? white : ["*"]).map((name) => `${place}:table/${name}`);
  const actions = [
    "DescribeTable",
    "CreateTable",
    ...(config["target.db.exist"] === "drop" ? ["DeleteTable"] : []),
    ...(config["full.enable_index.user"] ? ["UpdateTable"] : []),
    "BatchWriteItem",
    "BatchGetItem",
    "Scan",
  ];
  const whose =
    config["target.access_key_id"] === ""
      ? "the target, with the source's credentials"
      : "the target's credentials";
  const policy = policyOf([allow("WriteTables", dynamodb(actions), one(tables))]);
  return { whose, policy, reasons: TARGET_REASONS };
}

/** Why an action is among the target's, for people. */
const TARGET_REASONS: Readonly<Record<string, string>> = {
  DeleteTable: "makes room for a new copy, as target.db.exist = drop says",
  UpdateTable: "adds global secondary indexes to a table",
  BatchGetItem: "verify looks at single items",
  Scan: "counts what was written, and verify reads it",
};

/** Why an action that not every run makes is among the source's, for people. */
export const REASONS: Readonly<Record<string, string>> = {
  DescribeTimeToLive: "verify asks which items may have expired; without it, it doesn't know",
  BatchGetItem: "verify looks at single items, and so does on_gap = resync",
  UpdateTable:
    "enables a table's stream where it isn't, and clean disables it again; not needed where streams are enabled",
  Scan: "copies tables, and verify reads them",
  ListTables: "finds the tables, for the white list doesn't name each of them",
};

function policyOf(statements: Statement[]): Policy {
  return { Version: "2012-10-17", Statement: statements };
}

function allow(Sid: string, Action: string[], Resource: string | string[]): Statement {
  return { Sid, Effect: "Allow", Action, Resource };
}

function dynamodb(actions: string[]): string[] {
  return actions.map((action) => `dynamodb:${action}`);
}

function one(all: string[]): string | string[] {
  return all.length === 1 ? all[0]! : all;
}

/** The beginning of a table's ARN; what isn't known is `*`. A role is in the account whose tables it reads. */
function placeOf(region: string, role: string): string {
  const [, partition, account] = /^arn:([\w-]+):iam::(\d+):/.exec(role) ?? [];
  const [, named] = PARTITIONS.find(([regions]) => regions.test(region)) ?? [];
  return `arn:${partition ?? named ?? (region === "" ? "*" : "aws")}:dynamodb:${region || "*"}:${account ?? "*"}`;
}

function isAws(address: string): boolean {
  return AWS_HOST.test(hostOf(address));
}

function regionOf(address: string): string {
  return isAws(address) ? (/\.([a-z]{2,}(?:-[a-z]+)+-\d+)\./.exec(hostOf(address))?.[1] ?? "") : "";
}

function hostOf(address: string): string {
  const url = /^https?:\/\//i.test(address) ? address : `http://${address}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
