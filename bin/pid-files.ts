/** All pid files that a migration may have: its own, and those of comparisons. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { acquirePidFile, type PidFileOptions } from "./pid-file.ts";

/**
 * Takes them, so that nothing of the migration runs or begins here meanwhile; those that dead processes left go with it.
 *
 * @returns what gives them back
 * @throws MigrationError ALREADY_RUNNING
 */
export function acquireAll(id: string, options: PidFileOptions): (() => void)[] {
  const releases: (() => void)[] = [];
  try {
    for (const name of [id, `${id}-verify`, ...partsOf(id, options.folder)])
      releases.push(acquirePidFile(name, options));
    return releases;
  } catch (error) {
    for (const release of releases) release();
    throw error;
  }
}

/** `<id>-1-of-4-verify`. */
function partsOf(id: string, folder = "."): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(resolve(folder));
  } catch {
    // What can't be read has no file to be found.
  }
  return names
    .filter((name) => name.startsWith(`${id}-`) && /^-\d+-of-\d+-verify\.pid$/.test(name.slice(id.length)))
    .map((name) => name.slice(0, -".pid".length));
}
