/** Where `checkpoint.type = file` keeps what NimoShake would keep there. */
import { accessSync, constants, existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "./config.ts";

/** Of this process; tests have their own. */
interface Here {
  executable: string;
  /** The working folder. */
  folder: string;
}

const FOLDER = "checkpoint";

/**
 * NimoShake's folder. Our own state is beside it, never in it: a file more there would make NimoShake start
 * over. It is an explicit `checkpoint.address`, else an existing `./<checkpoint.db>`, else `checkpoint` where this
 * migration has it already; else beside the executable, or in the working folder if commands are kept there or nothing
 * can be written there, as in a container.
 */
export function originalFolder(
  config: Config,
  { executable, folder }: Here = { executable: process.execPath, folder: process.cwd() },
): string {
  const address = config["checkpoint.address"];
  if (address) return resolve(folder, address);
  const named = resolve(folder, config["checkpoint.db"]);
  if (existsSync(named)) return named;
  const working = join(folder, FOLDER);
  const isInterpreted = /^(bun|deno|node(js)?)\d*\b/i.test(basename(executable));
  if (isInterpreted) return working;
  const beside = join(dirname(executable), FOLDER);
  const begun = [beside, working].find((each) => existsSync(join(`${each}-state`, config.id)));
  return begun ?? (isForData(dirname(executable)) ? beside : working);
}

/** Whether a program's folder has room for what it writes: one of commands has none, whoever runs them. */
function isForData(folder: string): boolean {
  if (["bin", "sbin"].includes(basename(folder))) return false;
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
