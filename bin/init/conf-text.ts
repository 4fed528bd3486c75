/** The text of a configuration file: what was answered first, and all other keys behind a `#`. */
import type { SettingKey } from "../../core/config/config.ts";
import type { PluginOptions } from "../../core/config/sources.ts";
import { type Setting, SETTINGS } from "../../core/config/settings.ts";
import { MigrationError } from "../../core/errors.ts";
import { groupSettings } from "./setting-groups.ts";

/** Values by key, as texts. */
export type Texts = Partial<Record<SettingKey, string>>;

const LINE = 110;

/** Keys that a reader looks for, given or not. */
const SHOWN: ReadonlySet<SettingKey> = new Set(["conf.version", "id", "sync_mode", "target.type"]);

/**
 * Writes a file that gives exactly these values.
 *
 * @param version of this program, for the first line
 * @throws MigrationError CONFIG_INVALID: a value that no line can have
 */
export function confText(texts: Texts, options: PluginOptions, version: string): string {
  const given = SETTINGS.filter(({ key }) => SHOWN.has(key) || (texts[key] ?? "") !== "");
  const others = SETTINGS.filter((setting) => !given.includes(setting));
  return [
    `# Written by nimo-shake ${version} init. One "key = value" a line; a line that begins with "#" is a comment.`,
    '# Behind a value there is no comment: a "#" there is part of it. An empty value means the default.',
    "# Environment variables are stronger (NIMO_TARGET_ADDRESS), and so is --set key=value.",
    ...grouped(given, (setting) => [
      `# ${sentence(setting.description)}`,
      line(setting.key, texts[setting.key] || setting.default),
    ]),
    ...pluginLines(options),
    "",
    heading("all other keys, with their defaults: take the # away to change one"),
    ...grouped(others, (setting) => [
      `# ${sentence(setting.description)}`,
      `#${line(setting.key, setting.default)}`,
    ]),
    "",
  ].join("\n");
}

function grouped(settings: readonly Setting[], linesOf: (setting: Setting) => string[]): string[] {
  return groupSettings(settings).flatMap(([title, some]) => [
    "",
    heading(title),
    ...some.flatMap((setting) => ["", ...linesOf(setting)]),
  ]);
}

function pluginLines(options: PluginOptions): string[] {
  const lines = Object.entries(options).flatMap(([name, each]) =>
    Object.entries(each).map(([key, value]) => line(`plugin.${name}.${key}`, value)),
  );
  return lines.length === 0 ? [] : ["", heading("options of plugins"), "", ...lines];
}

function line(key: string, value: string): string {
  return `${key} = ${written(key, value)}`.trimEnd();
}

/** A value as it is read again: without blanks around it, and without one pair of quotes. */
function written(key: string, value: string): string {
  if (/[\r\n]/.test(value))
    throw new MigrationError("CONFIG_INVALID", `a value can't have a line break: ${key}`, {
      hint: "see whether more than the value was pasted",
    });
  const isPlain = value === value.trim() && !/^(["']).*\1$/s.test(value);
  return isPlain ? value : `"${value}"`;
}

function heading(title: string): string {
  return `# ${"-".repeat(Math.max(3, LINE - title.length - 3))} ${title}`;
}

function sentence(description: string): string {
  return description.endsWith(".") ? description : `${description}.`;
}
