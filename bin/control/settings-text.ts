/** What settings of a running process are, as texts of the file: what `set` has changed is known here alone. */
import type { Config, SettingKey } from "../../core/config/config.ts";
import { DEFAULTS, settingText } from "../../core/config/settings.ts";
import type { Change } from "./protocol.ts";

/** See the top of the file. */
export interface SettingsText {
  /** What becomes of settings when they are given these texts. */
  changes(texts: Readonly<Record<string, string>>): Change[];
  /** They are so now. */
  changed(changes: readonly Change[]): void;
}

/** @param config as the process began with it */
export function settingsText(config: Config): SettingsText {
  const now = new Map<string, string>();
  const textOf = (key: string): string => {
    return Object.hasOwn(config, key) ? settingText(key as SettingKey, config[key as SettingKey]) : "";
  };
  return {
    changes: (texts) =>
      Object.entries(texts).map(([key, text]) => ({
        key,
        was: now.get(key) ?? textOf(key),
        is: text.trim() || (Object.hasOwn(DEFAULTS, key) ? DEFAULTS[key as SettingKey] : ""),
      })),
    changed(changes) {
      for (const { key, is } of changes) now.set(key, is);
    },
  };
}
