/** The tool that is measured: its conf, and the command that starts it. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { settingsOf } from "./flags.ts";

/** The target database, which the tool names after its id. */
export const ID = "bench";
/** From the sources. */
export const TOOL: string = join(import.meta.dirname, "../bin/cli.ts");

/** What every conf has: the source, and no ports, for several of these may run on one machine. */
const withSource = (source: string): Record<string, string> => ({
  id: ID,
  "source.endpoint_url": source,
  "source.access_key_id": "placeholder",
  "source.secret_access_key": "placeholder",
  "source.region": "us-east-1",
  system_profile: "-1",
  "full_sync.http_port": "-1",
  "incr_sync.http_port": "-1",
});

/** A conf as a user with a big table would write it: four segments; pages, batches and writes are left to the tool. */
export const usualConf = (source: string, target: string): Record<string, string> => ({
  "conf.version": "4",
  ...withSource(source),
  sync_mode: "full",
  "target.type": "mongodb",
  "target.address": target,
  "target.mongodb.type": "replica",
  "target.db.exist": "drop",
  "convert.type": "change",
  "qps.full": "10000",
  "full.read.concurrency": "4",
});

/** The same for a stream that is followed from now on. */
export const followConf = (source: string, target: string): Record<string, string> => ({
  ...withSource(source),
  sync_mode: "incr",
  "target.type": "mongodb",
  "target.address": target,
  "qps.incr": "10000",
  "qps.incr.batch_num": "1000",
  "log.level": "warn",
});

/** The same for a target that speaks DynamoDB. */
export const proxyConf = (source: string, target: string): Record<string, string> => ({
  ...withSource(source),
  sync_mode: "full",
  "target.type": "aliyun_dynamo_proxy",
  "target.address": target,
  "target.access_key_id": "placeholder",
  "target.secret_access_key": "placeholder",
  "target.db.exist": "drop",
  "qps.full": "10000",
  "qps.full.batch_num": "1500",
  "full.read.concurrency": "4",
  "full.document.concurrency": "16",
  "checkpoint.address": "./checkpoint",
});

/** Keys of it that say how fast. */
const SPEED_KEYS = ["qps.full", "full.read.concurrency"];

/** A conf without them. */
export const withoutSpeedKeys = (conf: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(conf).filter(([key]) => !SPEED_KEYS.includes(key)));

/** Writes a conf file. */
export function writeConf(path: string, settings: Record<string, string>): void {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(path, lines.join(""));
}

/** The machine's NIMO_… and AWS settings must not take part. */
export const environment: Record<string, string | undefined> = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NIMO|AWS)_/.test(name)),
);

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

/** What NimoShake refuses to start without, with pages and batches that make it fast. */
const REQUIRED = {
  "qps.full.batch_num": "1500",
  "full.document.concurrency": "4",
  "full.document.write.batch": "1000",
  "qps.incr": "1000",
  "full.concurrency": "4",
  "full.document.parser": "2",
  "increase.concurrency": "16",
  "log.level": "info",
};

/** The conf of another executable: what is set for ours, and its own. */
export const confAgainst = (
  conf: Record<string, string>,
  sets: Record<string, string>,
): Record<string, string> => ({ ...REQUIRED, ...conf, ...sets });

/** The command of another executable, as a shell would take it apart; files are named as from this folder. */
export function commandAgainst(text: string, conf: string): string[] {
  const words = (text.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^(["'])(.*)\1$/, "$2"),
  );
  if (words.length === 0) throw new Error("--against needs a command");
  return [...words.map((word) => (existsSync(word) ? resolve(word) : word)), `-conf=${conf}`];
}

/** Writes the conf of another executable into a folder of its own; gives that, and its command. */
export function prepareAgainst(
  { against, againstSets }: { against: string; againstSets: string[] },
  cwd: string,
  conf: Record<string, string>,
): { command: string[]; folder: string } {
  const folder = join(cwd, "against");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "bench.conf");
  writeConf(file, confAgainst(conf, settingsOf(againstSets)));
  return { command: commandAgainst(against, file), folder };
}

/** `--set` once for each. */
export const setArgs = (sets: string[]): string[] => sets.flatMap((setting) => ["--set", setting]);
