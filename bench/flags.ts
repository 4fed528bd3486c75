/** Flags of the benchmarks: what was typed, as what it means. */
import { MAX_ITEMS, type Shape, SHAPES } from "./orders.ts";

/** One more run is of so many times the items. */
export const GROWTH_FACTOR = 10;

/** The size of an item. */
export function shapeOf(name: string): Shape {
  const found = SHAPES.find((shape) => shape === name);
  if (found === undefined) throw new Error(`--shape must be one of ${SHAPES.join(", ")}`);
  return found;
}

/** A whole number between two limits. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}`);
}

const USUAL_ITEMS: Record<Shape, number> = { small: 300_000, medium: 300_000, large: 30_000, huge: 1_000 };

/**
 * How many items; large ones are fewer.
 *
 * @param part of the usual number, where nobody has said how many
 */
export function itemsOf(text: string | undefined, shape: Shape, part = 1): number {
  const usual = Math.round(USUAL_ITEMS[shape] * part);
  return wholeNumber("items", text ?? String(usual), 1, MAX_ITEMS / GROWTH_FACTOR);
}

/** Throws what is wrong with the command line. */
export function refuseUnless(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

/** What `--set` was given, by key. */
export function settingsOf(sets: string[]): Record<string, string> {
  return Object.fromEntries(
    sets.map((setting) => {
      const [key = "", value = ""] = setting.split(/=(.*)/s);
      return [key.trim(), value.trim()];
    }),
  );
}

/** Node's parser has no optional values: `--profile` alone means the current folder. */
export function withProfileFolder(argv: string[]): string[] {
  return argv.map((arg) => (arg === "--profile" ? "--profile=." : arg));
}

/** A mistyped option is one line and the help, no stack. */
export function refuse(error: unknown, help: string): never {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  process.exit(2);
}
