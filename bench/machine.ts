/** What a benchmark ran on. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import packageJson from "../package.json" with { type: "json" };

/** See the top of the file. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  platform: string;
}

/** Of what took part: `nimo-shake`, its commit where it is known, `Bun`, `MongoDB`. */
export type Versions = Record<string, string>;

/** This one. */
export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Of the sources that the benchmark is of, and what runs them. */
export function ownVersions(): Versions {
  const { version } = packageJson;
  const commit = git("rev-parse", "--short", "HEAD");
  const changed = git("status", "--porcelain", "--untracked-files=no") ? " with changes" : "";
  return {
    "nimo-shake": commit ? `${version} at ${commit}${changed}` : version,
    Bun: Bun.version,
  };
}

function git(...args: string[]): string {
  try {
    return execFileSync("git", args, { cwd: import.meta.dirname, stdio: "pipe" })
      .toString()
      .trim();
  } catch {
    // No repository here.
    return "";
  }
}
