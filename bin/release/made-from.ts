/** What a build is made from, as it says itself afterwards. */
import { join } from "node:path";
import { type Commit, commitOf } from "../build-info.ts";

/** The repository. */
export const ROOT: string = join(import.meta.dirname, "../..");

const SECOND = 1000;

/**
 * The commit. Its day is that of SOURCE_DATE_EPOCH where that is given, as builders of distributions do; what is no clone
 * has SOURCE_COMMIT besides.
 *
 * @returns undefined when nobody says it: what is built then names no commit
 */
export function madeFrom(
  env: Readonly<Record<string, string | undefined>> = process.env,
  folder: string = ROOT,
): Commit | undefined {
  const found = commitOf(folder);
  const commit = found?.commit ?? env["SOURCE_COMMIT"];
  const epoch = env["SOURCE_DATE_EPOCH"];
  const date = epoch ? new Date(Number(epoch) * SECOND).toISOString().slice(0, 10) : found?.date;
  return commit && date ? { commit, date } : undefined;
}
