/** What `verify` has written of the differences. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "./helpers.ts";

/** A line of the diff file. */
export interface Line {
  table: string;
  key?: { pk: { S: string } };
  kind: string;
  path?: string;
  source?: unknown;
  target?: unknown;
  repair?: string;
}

/** All lines; none where there is no file. */
export function diffOf({ folder, id }: Scenario): Line[] {
  const path = join(folder, `${id}-diff.jsonl`);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

/** Each as key, kind and path, sorted. */
export function faultsOf(s: Scenario): string[] {
  return diffOf(s)
    .map(({ key, kind, path }) => [key?.pk.S ?? "-", kind, path].filter((each) => each !== undefined))
    .map((parts) => parts.join(" "))
    .toSorted();
}
