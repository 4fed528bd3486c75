/** What the questions of `init` have in common. */
import type { SettingKey } from "../../core/config/config.ts";
import { DEFAULTS, parseSettings } from "../../core/config/settings.ts";
import type { Table } from "../../core/types.ts";
import type { Asker } from "../ask.ts";
import type { Texts } from "./conf-text.ts";

/** Where questions and trials meet; see `probe.ts` for the two. */
export interface Dialogue {
  ask: Asker;
  /** What is known: it grows by each answer, and what is there already isn't asked. */
  texts: Texts;
  probeSource(texts: Texts): Promise<Table[]>;
  probeTarget(texts: Texts): Promise<string>;
  /** Hides secrets of what is known. */
  redact(text: string): string;
}

/** What is wrong with a key's value by itself; undefined: nothing. */
export function problemOf(key: SettingKey, value: string): string | undefined {
  return parseSettings({ ...DEFAULTS, [key]: value || DEFAULTS[key] }).issues.get(key);
}

/** How {@link askKey} asks. */
export interface KeyQuestion {
  message: string;
  /** What stands there at first. */
  initial?: string;
  /** Nothing is an answer too. */
  optional?: boolean;
}

/** Asks for a key unless it is known; a wrong value is asked for again. */
export async function askKey(
  { ask, texts }: Dialogue,
  key: SettingKey,
  { message, initial, optional = false }: KeyQuestion,
): Promise<void> {
  texts[key] ??= await ask.text({
    message,
    ...(initial !== undefined && { initial }),
    validate: (answer) => (answer === "" && !optional ? "it is needed" : problemOf(key, answer)),
  });
}
