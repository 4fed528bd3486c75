/** Where `checkpoint.type = file` keeps what NimoShake would keep there. */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "./config.ts";

/**
 * NimoShake's folder. Our own state is beside it, never in it: a file more there would make NimoShake start
 * over. It is an explicit `checkpoint.address`, else an existing `./<checkpoint.db>`, else `checkpoint` beside the
 * executable.
 */
export function originalFolder(config: Config): string {
  const address = config["checkpoint.address"];
  const named = resolve(config["checkpoint.db"]);
  return address ? resolve(address) : existsSync(named) ? named : join(homeFolder(), "checkpoint");
}

/** The executable's folder; run by an interpreter, the working folder. */
function homeFolder(): string {
  const interpreted = /^(bun|deno|node(js)?)\d*\b/i.test(basename(process.execPath));
  return interpreted ? process.cwd() : dirname(process.execPath);
}
