/** The options of `verify`: what was typed, as what it means. */
import type { Part } from "../../core/run/verify.ts";
import { type Extent, keysFrom, sampleOf } from "../../core/verify/extent.ts";
import { SETTLE } from "../../core/verify/verify.ts";
import type { Flags } from "../setup.ts";
import { parseTime, usage } from "./options.ts";
import { parseSample } from "./sample.ts";

/** What the command line gives. */
export interface VerifyFlags extends Flags {
  /** `a;b`. */
  tables: string | undefined;
  /** `1000` or `5%`. */
  sample: string | undefined;
  /** A file with a key a line. */
  keys: string | undefined;
  countOnly: boolean;
  /** `5s`, `500ms` or `1m`. */
  settle: string | undefined;
  /** `1/4`. */
  part: string | undefined;
  json: boolean;
  /** Goes on with what is changed, until it is stopped. */
  follow: boolean;
  /** True, or `no-delete`. */
  repair: unknown;
}

/** What is compared. */
export function parseExtent({ sample, keys, countOnly }: VerifyFlags): Extent {
  const given = [
    sample !== undefined && "--sample",
    keys !== undefined && "--keys",
    countOnly && "--count-only",
  ];
  const names = given.filter((each) => each !== false);
  if (names.length > 1) throw usage(`${names.join(" and ")} don't go together`, "give one of them");
  if (countOnly) return { kind: "count" };
  if (keys !== undefined) return keysFrom(keys);
  return sample === undefined ? { kind: "all" } : sampleOf(parseSample("sample", sample));
}

/** In ms. */
export function parseSettle(text: string | undefined): number {
  return text === undefined ? SETTLE : parseTime("settle", text);
}

/** The names; undefined: all. */
export function parseTables(text: string | undefined): string[] | undefined {
  const names = text
    ?.split(";")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names?.length === 0) throw usage("--tables names no table", "give names such as a;b");
  return names;
}

/** Undefined: all of it. */
export function parsePart(text: string | undefined): Part | undefined {
  if (text === undefined) return undefined;
  const [, index, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw usage(`--part ${text} is no part`, "give one such as 1/4, from 1/N to N/N");
}

/** Undefined: nothing is changed. */
export function parseRepair(given: unknown): { deletes: boolean } | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true || given === "") return { deletes: true };
  if (given === "no-delete") return { deletes: false };
  throw usage(
    `--repair=${String(given)} means nothing`,
    "write --repair, or --repair=no-delete to remove nothing",
  );
}
