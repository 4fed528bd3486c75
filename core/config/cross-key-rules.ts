/** Combinations of keys: those that can't work, and those that work, but not as they look. */
import type { Config, SettingKey } from "./config.ts";
import { BATCHES, hasBothLists } from "./dependent-defaults.ts";
import { expressionVariables } from "./filter-values.ts";
import { addressProblem } from "./mongo-address.ts";
import { isDatabaseName } from "./value-types.ts";
import type { ParsedSettings } from "./settings.ts";

/** A combination that can't work. */
interface Rule {
  /** The key a problem is reported at. */
  at: SettingKey;
  /** The other keys it looks at; it is left out while one of them has a problem of its own. */
  with: SettingKey[];
  /** What is allowed, if the rule is broken. */
  broken: (config: Config) => string | false;
}

/** An endpoint may stand without its scheme, as in NimoShake. */
const isEndpoint = (address: string): boolean =>
  /^https?:\/\//i.test(address) ? URL.canParse(address) : /^[\w.-]+(:\d{1,5})?$/.test(address);

/** A name with a colon in it, which the expression's syntax has no way to write. */
const wayOut = (expression: string): string =>
  /[\w\])-]:\w/.test(expression)
    ? "; an attribute whose name has a colon can be written in plugin.filter.where, with plugins = filter and the name in backticks"
    : "";

const RULES: readonly Rule[] = [
  {
    at: "target.address",
    with: ["target.type"],
    broken: (config) => {
      const { "target.type": type, "target.address": address } = config;
      if (type === "plugin") return false;
      if (address === "") return "is required, such as mongodb://127.0.0.1:27017";
      if (type === "mongodb") return addressProblem(address) ?? false;
      return (
        type === "aliyun_dynamo_proxy" &&
        !isEndpoint(address) &&
        "must be an http:// or https:// address, or host:port"
      );
    },
  },
  {
    at: "incr_sync_parallel",
    with: ["sync_mode"],
    broken: ({ incr_sync_parallel, sync_mode }) =>
      incr_sync_parallel &&
      sync_mode !== "all" &&
      `works only with sync_mode = all, and sync_mode is ${sync_mode}`,
  },
  {
    at: "sync_mode",
    with: ["target.type"],
    broken: (config) =>
      config["target.type"] === "file" &&
      config.sync_mode !== "full" &&
      "must be full with target.type = file, where changes can't be applied",
  },
  ...(["source", "target"] as const).flatMap((side): Rule[] => [
    {
      at: `${side}.secret_access_key`,
      with: [`${side}.access_key_id`],
      broken: (config) =>
        (config[`${side}.secret_access_key`] === "") !== (config[`${side}.access_key_id`] === "") &&
        `${side}.access_key_id and ${side}.secret_access_key must be given both or neither`,
    },
    {
      at: `${side}.session_token`,
      with: [`${side}.access_key_id`],
      broken: (config) =>
        config[`${side}.session_token`] !== "" &&
        config[`${side}.access_key_id`] === "" &&
        `needs ${side}.access_key_id and ${side}.secret_access_key`,
    },
  ]),
  {
    at: "convert.type",
    with: ["target.type"],
    broken: (config) =>
      config["convert.type"] === "same" &&
      ["mongodb", "file"].includes(config["target.type"]) &&
      `same is for target.type = aliyun_dynamo_proxy, not for ${config["target.type"]}`,
  },
  {
    at: "target.db.exist",
    with: ["target.type"],
    broken: (config) =>
      config["target.type"] === "aliyun_dynamo_proxy" &&
      config["target.db.exist"] === "rename" &&
      "must be drop or empty with target.type = aliyun_dynamo_proxy, where tables can't be renamed",
  },
  {
    at: "full.document.write.batch",
    with: ["target.type"],
    broken: (config) => {
      const { most } = BATCHES[config["target.type"]];
      const allowed = `must be a whole number from 1 to ${most} with target.type = ${config["target.type"]}, or 0 for the default`;
      return (config["full.document.write.batch"] ?? 0) > most && allowed;
    },
  },
  ...(["increase.executor.insert_on_dup_update", "increase.executor.upsert"] as const).map((at): Rule => ({
    at,
    with: ["target.type"],
    broken: (config) =>
      config["target.type"] === "aliyun_dynamo_proxy" &&
      !config[at] &&
      "must be true with target.type = aliyun_dynamo_proxy, whose writes always replace",
  })),
  {
    at: "checkpoint.address",
    with: ["checkpoint.type", "target.type", "target.address"],
    broken: (config) => {
      const address = config["checkpoint.address"];
      if (config["checkpoint.type"] !== "mongodb") return false;
      if (address !== "") return config["target.address"] !== address && (addressProblem(address) ?? false);
      return "is required with checkpoint.type = mongodb when the target is no MongoDB";
    },
  },
  {
    at: "checkpoint.db",
    with: ["id"],
    // our own state goes to <checkpoint.db>-state; MongoDB takes no two names that differ only in case
    broken: ({ id, "checkpoint.db": db }) =>
      [db, `${db}-state`].some((name) => name.toLowerCase() === id.toLowerCase()) &&
      `neither it nor "${db}-state", which keeps the run's own state, may be the target database (id = ${id})`,
  },
  {
    at: "checkpoint.db",
    with: ["id", "checkpoint.type", "target.type"],
    broken: (config) =>
      config["checkpoint.type"] === "mongodb" &&
      !isDatabaseName(`${config["checkpoint.db"]}-state`) &&
      'must be a MongoDB database name of at most 57 bytes, for "-state" is added to it',
  },
  {
    at: "full.read.filter_expression",
    with: ["full.read.filter_attributevalues"],
    broken: (config) => {
      const expression = config["full.read.filter_expression"];
      if (expression === "") return false;
      const used = expressionVariables(expression);
      const given = new Set(Object.keys(config["full.read.filter_attributevalues"]));
      const missing = [...used].filter((name) => !given.has(name));
      const idle = [...given].filter((name) => !used.has(name));
      if (missing.length > 0)
        return `uses ${missing.join(", ")}, which full.read.filter_attributevalues doesn't give${wayOut(expression)}`;
      return (
        idle.length > 0 &&
        `doesn't use ${idle.join(", ")} of full.read.filter_attributevalues, which DynamoDB refuses`
      );
    },
  },
];

/** The broken rules among those whose keys are all sound, by the rules before as well, as key and what is allowed. */
export function brokenRules(
  config: Config,
  unsound: ReadonlyMap<SettingKey, string>,
): [SettingKey, string][] {
  const broken: [SettingKey, string][] = [];
  for (const rule of RULES) {
    const keys = [rule.at, ...rule.with];
    if (keys.some((key) => unsound.has(key) || broken.some(([at]) => at === key))) continue;
    const allowed = rule.broken(config);
    if (allowed !== false) broken.push([rule.at, allowed]);
  }
  return broken;
}

/** A combination that works, but not as it looks. */
interface Warning {
  /** @param given the keys that have a value of their own */
  applies: (parsed: ParsedSettings, given: ReadonlySet<SettingKey>) => boolean;
  message: string;
}

const WARNINGS: readonly Warning[] = [
  {
    applies: hasBothLists,
    message:
      "filter.collection.white and filter.collection.black are both given: neither counts, all tables are migrated",
  },
  {
    applies: (parsed, given) =>
      given.has("full.read.filter_attributevalues") && parsed["full.read.filter_expression"] === "",
    message: "full.read.filter_attributevalues has no effect without full.read.filter_expression",
  },
  {
    applies: (parsed) => parsed["full.read.filter_expression"] !== "" && parsed["sync_mode"] === "all",
    message:
      "full.read.filter_expression holds for the copy only, and changes of items that don't match are applied as all others: plugin.filter.where holds for both",
  },
  {
    applies: (parsed, given) =>
      parsed["target.type"] === "aliyun_dynamo_proxy" &&
      given.has("convert.type") &&
      parsed["convert.type"] !== "same",
    message:
      "convert.type has no effect with target.type = aliyun_dynamo_proxy, where items stay as they are",
  },
];

/** What is to be said of settings that no rule refuses. */
export function warningsOf(parsed: ParsedSettings, given: ReadonlySet<SettingKey>): string[] {
  return WARNINGS.filter(({ applies }) => applies(parsed, given)).map(({ message }) => message);
}
