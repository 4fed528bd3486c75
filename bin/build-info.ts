/** Which build this is: its version, the commit that it was made from, and for what. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };

/** What a build is made from. */
export interface Commit {
  /** Its short name; `+` at its end: files were changed after it. */
  commit: string;
  /** Its day, in UTC: `2026-11-27`. */
  date: string;
}

/** See the top of the file. */
export interface BuildInfo extends Partial<Commit> {
  version: string;
  /** `linux-x64-musl`. */
  platform: string;
}

/** The build puts it in; from source there is none. */
declare const NIMO_SHAKE_BUILD: Partial<BuildInfo> | undefined;

/** From source it asks git, if this is a clone. */
export function buildInfo(): BuildInfo {
  const platform = `${process.platform}-${process.arch}`;
  const built =
    typeof NIMO_SHAKE_BUILD === "undefined" ? commitOf(join(import.meta.dirname, "..")) : NIMO_SHAKE_BUILD;
  return { version: pkg.version, platform, ...built };
}

/** What `-version` prints. */
export function versionText({ version, commit, date, platform }: BuildInfo): string {
  const from = commit === undefined ? [] : [`commit ${commit}`, date!];
  return `nimo-shake ${version} (${[...from, platform].join(", ")})`;
}

/** The commit of a clone; undefined: it is none, or there is no git. A package in somebody's repository is none. */
export function commitOf(folder: string): Commit | undefined {
  if (!existsSync(join(folder, ".git"))) return undefined;
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const [commit, seconds] = git("log", "-1", "--abbrev=10", "--format=%h %ct").split(" ");
    const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
    const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
    return { commit: `${commit}${changed}`, date };
  } catch {
    return undefined;
  }
}
