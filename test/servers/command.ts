/** Running other programs to their end. */
import { accessSync, constants, readFileSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ownTempFolder } from "./process.ts";
import type { ChildOptions, Owned } from "./process.ts";

/** The path of `command` where the shell would find it, or undefined. */
export function onPath(command: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder && isExecutable(join(folder, command))) return join(folder, command);
  }
  return undefined;
}

/** True for a file that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Runs a command to its end within `owned` and gives what it printed; fails with the line that says why. */
export async function run(
  owned: Owned,
  command: string,
  args: string[],
  timeoutMs: number,
  options: ChildOptions = {},
): Promise<string> {
  const log = join(owned.folder, ".output");
  let timedOut = false;
  try {
    const child = await owned.start(command, args, log, options);
    const timer = setTimeout(() => {
      timedOut = true;
      void owned.kill();
    }, timeoutMs);
    const code = await child.exited.finally(() => clearTimeout(timer));
    const output = readFileSync(log, "utf8").trim();
    if (code === 0) return output;
    throw new Error(
      timedOut
        ? `${command}: no end after ${timeoutMs / 1000} s`
        : `${command}: ${reason(output) || `exit code ${code}`}`,
    );
  } finally {
    rmSync(log, { force: true });
  }
}

/** Runs a command that needs no folder of its own, such as `mongod --version`. */
export async function runOnce(
  command: string,
  args: string[],
  timeoutMs: number,
  options?: ChildOptions,
): Promise<string> {
  const owned = ownTempFolder("run");
  try {
    return await run(owned, command, args, timeoutMs, options);
  } finally {
    await owned.remove();
  }
}

/** How the message of a failed search begins its list of ways, see ways.ts. */
export const TRIED = "; tried:";
export const NOT_FOUND = "not found";

/** What went wrong, in one line; of a failed search also why. */
export function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const more = error.cause instanceof Error && !error.message.includes(error.cause.message);
  const cause = more ? ` (${(error.cause as Error).message})` : "";
  const [head, ...lines] = (error.message + cause).split("\n");
  if (!head!.endsWith(TRIED)) return head!;
  const reasons = lines.filter((line) => line.startsWith("  ") && !line.endsWith(NOT_FOUND));
  const why = reasons.map((line) => line.trim()).join("; ");
  return head!.slice(0, -TRIED.length) + (why === "" ? "" : ` (${why})`);
}

function reason(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "";
}
