/** The command line as tests start it: the executable that the run of all tests has compiled, else the sources. */
import { existsSync, linkSync } from "node:fs";
import { join, resolve } from "node:path";

/** Set by test/run.ts. */
export const EXECUTABLE = "NIMO_TEST_EXECUTABLE";
const SOURCE = resolve(import.meta.dir, "../bin/cli.ts");

/**
 * The command and its first arguments.
 *
 * @param folder where the executable is to be, and with it what it keeps beside itself; on one disk with the compiled one
 */
export function cliCommand(folder: string): string[] {
  const compiled = process.env[EXECUTABLE];
  if (compiled === undefined) return [process.execPath, SOURCE];
  const own = join(folder, "nimo-shake");
  if (!existsSync(own)) linkSync(compiled, own);
  return [own];
}
