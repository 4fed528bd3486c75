/** An executable that was built for this machine is tried on it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type BuildInfo, versionText } from "../build-info.ts";
import { describeExecutable } from "./executable-format.ts";

const TIMES = 5;

/** Whether this machine can run it, which it can if it is of the kind that Bun itself is here: the same loader and libc, too. */
export function canRun(format: string): boolean {
  return format === describeExecutable(readFileSync(process.execPath));
}

/**
 * Asks it for its version.
 *
 * @returns the shortest time that this took, in ms
 * @throws Error when it says another one, or doesn't start
 */
export function startTime(file: string, build: BuildInfo): number {
  const wanted = `${versionText(build)}\n`;
  const times = Array.from({ length: TIMES }, () => {
    const begun = performance.now();
    const said = execFileSync(file, ["-version"], { encoding: "utf8", cwd: "/" });
    if (said !== wanted) throw new Error(`${file} says that it is ${said}, not ${wanted}`);
    return performance.now() - begun;
  });
  return Math.min(...times);
}
