/** Settings as a program gives them. */
import type { AttributeValue } from "../types.ts";
import type { Config, SettingKey } from "./config.ts";

/** The keys of `nimo-shake.conf`, each as its text there or as its value; what is left out has its default. */
export type ConfigInput = {
  readonly [Key in SettingKey]?: Config[Key] | string | number | boolean | undefined;
} & { readonly [option: `plugin.${string}.${string}`]: string };

/** Values as they would stand in the file. */
export function textsOf(input: ConfigInput): Record<string, string> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, text(value)]));
}

function text(value: string | number | boolean | readonly string[] | Record<string, AttributeValue>): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.join(";");
  const entries = Object.entries(value as Record<string, AttributeValue>);
  return entries.map(([name, typed]) => [name, ...Object.entries(typed)[0]!].join("```")).join("~~~");
}
