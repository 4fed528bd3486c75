/** What a build is made from, as it says itself afterwards. */
import { join } from "node:path";
import { type Commit, commitOf } from "../build-info.ts";

/** The repository. */
export const ROOT: string = join(import.meta.dirname, "../..");

const SECOND = 1000;

/**
 * The commit; its day is that of SOURCE_DATE_EPOCH where that is given, as builders of distributions do.
 *
 * @returns undefined when it is no clone: what is built then names no commit
 */
export function madeFrom(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Commit | undefined {
  const commit = commitOf(ROOT);
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (commit === undefined || epoch === undefined) return commit;
  return { ...commit, date: new Date(Number(epoch) * SECOND).toISOString().slice(0, 10) };
}
