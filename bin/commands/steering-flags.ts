/** The options and words of the commands that steer: what was typed, as what it means. */
import type { SwitchoverOptions } from "../../core/run/control.ts";
import { LONGEST_TIMEOUT } from "../control/protocol.ts";
import { formatDuration } from "../format.ts";
import { named, once, parseTime, usage } from "./options.ts";
import { parseSample } from "./sample.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const TIMEOUT = 10 * MINUTE;

/** In ms; without one ten minutes. @throws MigrationError USAGE */
export function parseTimeout(given: unknown): number {
  const text = once("timeout", given);
  if (text === undefined) return TIMEOUT;
  const timeout = parseTime("timeout", text);
  if (timeout > 0 && timeout <= LONGEST_TIMEOUT) return timeout;
  throw usage(`--timeout ${text} can't be waited for`, "give more than 0 and at most 576h, such as 10m");
}

/** A timeout in ms, as it was asked for: `10m`, `0.3s`. */
export function timeoutText(ms: number): string {
  return ms % SECOND === 0 ? formatDuration(ms) : `${ms / SECOND}s`;
}

/** Undefined: nothing is compared. @throws MigrationError USAGE */
export function parseVerify(given: unknown): SwitchoverOptions["verify"] {
  if (given === undefined || given === false) return undefined;
  if (given === true || given === "") return "all";
  return parseSample("verify", once("verify", given)!);
}

/** The settings to change, with their texts. @throws MigrationError USAGE */
export function parseChanges(words: readonly unknown[]): [key: string, text: string][] {
  const changes = new Map<string, string>();
  for (const word of words.map(String)) {
    const at = word.indexOf("=");
    const key = word.slice(0, at).trim();
    if (at === -1 || key === "") throw usage(`set takes key=value${named(word)}`, HOW);
    if (changes.has(key)) throw usage(`the key ${key} is given more than once`, HOW);
    changes.set(key, word.slice(at + 1).trim());
  }
  return [...changes];
}

const HOW = "nimo-shake set -c nimo-shake.conf qps.full=500";
