/** What a run's settings must agree in with those of the run it goes on from. */
import { hash } from "node:crypto";
import { describeConfig } from "../config/redact.ts";
import type { Config } from "../config/config.ts";
import type { SettingKey } from "../config/config.ts";

/** The keys that decide what is copied, from where to where, and how it looks there: a begun run is gone on with only under the same. */
export const COMPARED_KEYS: readonly SettingKey[] = [
  "id",
  "sync_schema_only",
  "source.region",
  "source.endpoint_url",
  "target.type",
  "target.address",
  "target.mongodb.type",
  "full.read.concurrency",
  "full.read.filter_expression",
  "full.read.filter_attributevalues",
  "convert.type",
  "convert._id",
  "convert.number_overflow",
];

/** Settings as they can be kept and compared: without secrets, key to text. */
export type Fingerprint = Record<string, string>;

/** So much of a hash tells two sets of options apart. */
const DIGITS = 12;

/** What is compared of these settings, and of plugins' options, which may have secrets in them. */
export function fingerprint(config: Config, options: ReadonlyMap<string, unknown>): Fingerprint {
  const shown = describeConfig(config);
  return Object.fromEntries([
    ...COMPARED_KEYS.map((key) => [key, comparable(key, shown[key])]),
    ...[...options].map(([name, each]) => [`plugin.${name}.*`, digest(each)]),
  ]) as Fingerprint;
}

/** The order in which options are given doesn't count. */
function digest(options: unknown): string {
  const entries = Object.entries(options ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hash("sha256", JSON.stringify(entries)).slice(0, DIGITS);
}

/** Who connects and with which options may change while a migration goes on; where to may not. */
function comparable(key: SettingKey, value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return key === "target.address"
    ? text.replace(/^([a-z0-9+]+:\/\/)[^@]*@/i, "$1").replace(/\/?\?.*$/, "")
    : text;
}

/** The settings that differ: key, then and now. A key that an earlier version compared and this one doesn't may. */
export function changedSettings(
  then: Fingerprint,
  now: Fingerprint,
): [key: string, was: string, is: string][] {
  const compared = Object.keys(then).filter((key) => key in now || key.startsWith("plugin."));
  const keys = [...new Set([...compared, ...Object.keys(now)])];
  return keys
    .map((key): [string, string, string] => [key, then[key] ?? "", now[key] ?? ""])
    .filter(([, was, is]) => was !== is);
}
