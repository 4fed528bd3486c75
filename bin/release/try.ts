/** An executable that was built for this machine is tried on it. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type BuildInfo, versionText } from "../build-info.ts";

const TIMES = 5;

/** Whether this machine can run it: its system, its processor, and the loader that it asks for. */
export function canRun(format: string): boolean {
  const [kind, machine, loader] = format.split(" ");
  const system = { linux: "ELF", darwin: "Mach-O", win32: "PE" }[
    process.platform as "linux" | "darwin" | "win32"
  ];
  return (
    kind === system &&
    machine === process.arch &&
    (kind !== "ELF" || loader === undefined || existsSync(loader))
  );
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
