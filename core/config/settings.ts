/** The keys of the configuration as they can be told about, and texts turned into their values. */
import * as v from "valibot";
import type { Config, SettingKey } from "./config.ts";
import { type ParsedSettings, schema } from "./schema.ts";
import { sizeText, wordsOf } from "./value-types.ts";

export type { ParsedSettings } from "./schema.ts";

/** What can be told about a setting without its value. */
export interface Setting {
  key: SettingKey;
  /** The environment variable that sets it. */
  env: string;
  /** As it would stand in the file; empty: unset, or as the description says. */
  default: string;
  description: string;
  /** The words it takes; none: anything that its type allows. */
  words: readonly string[];
}

/** The settings in the order they are explained in. */
export const SETTINGS: readonly Setting[] = Object.entries(schema.entries).map(([key, rule]) => ({
  key: key as SettingKey,
  env: `NIMO_${key.toUpperCase().replaceAll(".", "_")}`,
  default: (v.getMetadata(rule) as { default: string }).default,
  description: v.getDescription(rule) ?? "",
  words: wordsOf(rule),
}));

/** The default of every key as text, before those that depend on other keys are filled in. */
export const DEFAULTS: Readonly<Record<SettingKey, string>> = Object.fromEntries(
  SETTINGS.map((entry) => [entry.key, entry.default]),
) as Record<SettingKey, string>;

/**
 * Turns one text into its key's value; an empty one means the default.
 *
 * @returns the value, or what is allowed
 */
export function parseSetting(
  key: SettingKey,
  text: string,
): { value: Config[SettingKey] | undefined; issue?: undefined } | { value?: undefined; issue: string } {
  const { success, output, issues } = v.safeParse(schema.entries[key], text || DEFAULTS[key]);
  return success ? { value: output as Config[SettingKey] } : { issue: issues[0].message };
}

/** A value as it would stand in the file; empty: unset. */
export function settingText(key: SettingKey, value: unknown): string {
  if (value === undefined) return "";
  return key === "memory.limit" ? sizeText(value as number) : String(value);
}

/** Turns texts into values. A key with an issue, which says what is allowed, keeps its text. */
export function parseSettings(texts: Record<SettingKey, string>): {
  values: ParsedSettings;
  issues: Map<SettingKey, string>;
} {
  const { success, output, issues } = v.safeParse(schema, texts);
  if (success) return { values: output, issues: new Map() };
  const byKey = new Map(issues.map((issue) => [issue.path?.[0].key as SettingKey, issue.message]));
  return { values: output as ParsedSettings, issues: byKey };
}
