/** The tool that is measured: its conf, and the command that starts it. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The target database, which the tool names after its id. */
export const ID = "bench";
/** From the sources. */
export const TOOL: string = join(import.meta.dirname, "../bin/cli.ts");

/** A tuned conf, as a user with a big table would write it: four segments, pages of 1 MB, large batches. */
export const tunedConf = (source: string, target: string): Record<string, string> => ({
  "conf.version": "4",
  id: ID,
  sync_mode: "full",
  "source.endpoint_url": source,
  "source.access_key_id": "placeholder",
  "source.secret_access_key": "placeholder",
  "source.region": "us-east-1",
  "target.type": "mongodb",
  "target.address": target,
  "target.mongodb.type": "replica",
  "target.db.exist": "drop",
  "convert.type": "change",
  "qps.full": "10000",
  "qps.full.batch_num": "1500",
  "full.read.concurrency": "4",
  "full.document.concurrency": "4",
  "full.document.write.batch": "1000",
  // several of these may run on one machine
  system_profile: "-1",
  "full_sync.http_port": "-1",
  "incr_sync.http_port": "-1",
});

/** Writes a conf file. */
export function writeConf(path: string, settings: Record<string, string>): void {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(path, lines.join(""));
}

/** How the tool is started. */
export interface ToolOptions {
  /** A TypeScript file or an executable. */
  tool: string;
  /** The folder for CPU profiles. */
  profile?: string | undefined;
}

/** The command; `args` are the tool's own. */
export function toolCommand({ tool, profile }: ToolOptions, args: string[]): string[] {
  const path = resolve(tool);
  const isSource = /\.[mc]?[jt]s$/.test(path);
  if (profile && !isSource) throw new Error("--profile needs the tool's source, not an executable");
  const profiling = profile ? ["--cpu-prof", `--cpu-prof-dir=${resolve(profile)}`] : [];
  return isSource ? [process.execPath, ...profiling, path, ...args] : [path, ...args];
}

/** `--set` once for each. */
export const setArgs = (sets: string[]): string[] => sets.flatMap((setting) => ["--set", setting]);
