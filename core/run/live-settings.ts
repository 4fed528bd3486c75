/** Settings that are changed while a run goes on: checked as those of the file are, and all taken or none. */
import { brokenRules } from "../config/cross-key-rules.ts";
import type { Config, SettingKey } from "../config/config.ts";
import { redactValue } from "../config/redact.ts";
import { parseSetting, SETTINGS, settingText } from "../config/settings.ts";
import { MigrationError } from "../errors.ts";
import type { OwnedContext } from "./context.ts";
import { CHANGEABLE } from "./control.ts";

/** consola's numbers of the levels, as the log has them. */
const LEVELS: Readonly<Record<Config["log.level"], number>> = {
  none: Number.NEGATIVE_INFINITY,
  error: 0,
  warn: 1,
  info: 3,
  debug: 4,
};

/** A later start compares it with what is noted when the tables are found. */
const COMPARED: SettingKey = "full.read.concurrency";

/**
 * Changes settings of a run, and tells those who have to know.
 *
 * @param config the context's own
 * @param texts by key, as they would stand in the file; empty: the default
 * @param isBegun the checkpoint has the settings that the run has begun with
 * @throws MigrationError CONFIG_INVALID with one line for each problem; nothing is changed then
 */
export function changeSettings(
  ctx: OwnedContext,
  config: Config,
  texts: Readonly<Record<string, string>>,
  isBegun: boolean,
): void {
  const changes: Partial<Config> = {};
  const problems: string[] = [];
  for (const [key, text] of Object.entries(texts)) {
    if (!isChangeable(key)) {
      problems.push(
        isSetting(key) ? `${key} can't be changed while it runs` : `there is no key ${JSON.stringify(key)}`,
      );
      continue;
    }
    if (key === COMPARED && !isBegun) {
      problems.push(`${key} can't be changed before the tables are known: try it again in a moment`);
      continue;
    }
    const { value, issue } = parseSetting(key, text);
    if (issue === undefined) Object.assign(changes, { [key]: value });
    else problems.push(`${key} = ${JSON.stringify(redactValue(key, text))}: ${issue}`);
  }
  if (problems.length === 0) problems.push(...newlyBroken(config, { ...config, ...changes }));
  if (problems.length > 0) throw invalid(problems);
  Object.assign(config, changes);
  if (changes["log.level"] !== undefined) ctx.log.level = LEVELS[changes["log.level"]];
  ctx.changed();
  const told = Object.entries(changes).map(
    ([key, value]) => `${key} = ${settingText(key as SettingKey, value) || "empty"}`,
  );
  if (told.length > 0) ctx.log.info(`set while it runs: ${told.join(", ")}`);
}

/** The rules over several keys that weren't broken before. */
function newlyBroken(before: Config, after: Config): string[] {
  const known = new Set(brokenRules(before, new Map()).map(([key]) => key));
  return brokenRules(after, new Map())
    .filter(([key]) => !known.has(key))
    .map(([key, allowed]) => `${key}: ${allowed}`);
}

const isChangeable = (key: string): key is (typeof CHANGEABLE)[number] =>
  (CHANGEABLE as readonly string[]).includes(key);

const isSetting = (key: string): key is SettingKey => SETTINGS.some((setting) => setting.key === key);

function invalid(problems: string[]): MigrationError {
  const message =
    problems.length === 1 ? problems.join() : `${problems.length} problems\n  ${problems.join("\n  ")}`;
  return new MigrationError("CONFIG_INVALID", message, {
    hint: `nothing was changed; what can be set while it runs: ${CHANGEABLE.join(", ")}`,
  });
}
