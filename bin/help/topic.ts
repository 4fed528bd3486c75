/** What `help CODE` and `help KEY` print: an error, and a key of the configuration. */
import { ERROR_ADVICE } from "../../core/error-advice.ts";
import { CODES, type ErrorCode } from "../../core/error-codes.ts";
import { CHANGEABLE } from "../../core/run/control.ts";
import { SETTINGS } from "../../core/config/settings.ts";
import { paragraph } from "./lines.ts";
import type { Section } from "./text.ts";

/** What there is to say about a code or a key; undefined: it is neither. */
export function topicHelp(name: string, width: number): Section[] | undefined {
  return errorHelp(name.toUpperCase(), width) ?? keyHelp(name, width);
}

function errorHelp(code: string, width: number): Section[] | undefined {
  if (!Object.hasOwn(CODES, code)) return undefined;
  const { exit, meaning } = CODES[code as ErrorCode];
  const { cause, remedy } = ERROR_ADVICE[code as ErrorCode];
  return [
    { title: code, body: paragraph(`${meaning}. Exit code ${exit}.`, width) },
    { title: "Cause", body: paragraph(plain(cause), width) },
    { title: "What to do", body: paragraph(plain(remedy), width) },
  ];
}

function keyHelp(name: string, width: number): Section[] | undefined {
  const setting = SETTINGS.find(({ key }) => key === name.toLowerCase());
  if (setting === undefined) return undefined;
  const { key, env, default: fallback, description } = setting;
  const live = (CHANGEABLE as readonly string[]).includes(key);
  const changed = live ? "It can be changed while a run goes on, by nimo-shake set." : "";
  return [
    { title: key, body: paragraph(`${description}. ${changed}`.trim(), width) },
    { title: "Default", body: `  ${fallback === "" ? "empty" : fallback}` },
    { title: "In the environment", body: `  ${env}` },
  ];
}

/** A text without the marks of Markdown. */
const plain = (text: string): string => text.replaceAll("`", "");
