/**
 * Makes all of a release in dist/release: `bun run release`.
 *
 * `--only NAME` builds the executable of one machine (again and again: of several), `--tag v1.2.3` refuses another version,
 * `--repository OWNER/NAME` at GitHub is what Homebrew's formula fetches from; without it there is none. `--no-packages` leaves the packages out, and `--no-smoke` the migration by this machine's executable.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pkg from "../../package.json" with { type: "json" };
import type { BuildInfo } from "../build-info.ts";
import { pack } from "./archive.ts";
import { compile } from "./compile.ts";
import { contents } from "./contents.ts";
import { describeExecutable } from "./executable-format.ts";
import { formula } from "./formula.ts";
import { madeFrom, ROOT } from "./made-from.ts";
import { notices } from "./notices.ts";
import { sbom } from "./sbom.ts";
import { archiveName, executableName, type Target, targetNamed, TARGETS } from "./targets.ts";
import { canRun, startTime } from "./try.ts";
import { checkVersion } from "./version.ts";

const OUT = join(ROOT, "dist/release");
const MB = 1e6;
/** Of files of which nobody knows what they are made from. */
const UNKNOWN_DAY = "1980-01-01";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    tag: { type: "string" },
    repository: { type: "string" },
    "no-packages": { type: "boolean", default: false },
    "no-smoke": { type: "boolean", default: false },
  },
});

const targets = options.only.length === 0 ? TARGETS : options.only.map(targetNamed);
checkVersion(options.tag);
const commit = madeFrom();
if (commit?.commit.endsWith("+")) say("files are changed and not committed: the commit is shown with a +");
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
if (!options["no-packages"]) packages();
const texts = await notices();
write(`nimo-shake-${pkg.version}.cdx.json`, await sbom());
const runnable = targets.map(release).findLast((file) => file !== undefined);
if (options.repository !== undefined) writeFormula(options.repository);
writeChecksums();
if (runnable !== undefined && !options["no-smoke"]) {
  say("a migration by this machine's executable, alone in a folder:");
  run("test/smoke.ts", runnable);
}

/** The packages for npm and JSR, looked at as a stranger gets them. */
function packages(): void {
  run("run", "build");
  run("run", "package");
  run("pm", "pack", "--destination", OUT, "--quiet");
}

/** Builds one, checks it, and packs it. Gives the executable when this machine can run it. */
function release(target: Target): string | undefined {
  const build: BuildInfo = { version: pkg.version, platform: target.name, ...commit };
  const folder = join(ROOT, "dist/executables", target.name);
  const file = join(folder, executableName(target));
  mkdirSync(folder, { recursive: true });
  compile(file, target.bun, { ...commit, platform: target.name });
  const data = readFileSync(file);
  const format = describeExecutable(data);
  if (format !== target.format) throw new Error(`${target.name} is ${format}, not ${target.format}`);
  const isRunnable = canRun(format);
  const start = isRunnable
    ? `starts in ${Math.round(startTime(file, build))} ms`
    : "not run: another machine's";

  const archive = archiveName(target, pkg.version);
  const inside = archive.replace(/\.(tar\.gz|zip)$/, "");
  const files = [{ name: executableName(target), data, executable: true }, ...contents(build, texts)];
  const packed = pack(
    archive,
    files.map((each) => ({ ...each, name: `${inside}/${each.name}` })),
    new Date(commit?.date ?? UNKNOWN_DAY),
  );
  write(archive, packed);
  say(`${archive}: ${megabytes(packed)}, the executable ${megabytes(data)}, ${format}, ${start}`);
  return isRunnable ? file : undefined;
}

function writeFormula(repository: string): void {
  const archives = new Map(targets.map((target) => [target.name, archiveName(target, pkg.version)]));
  const checksum = (target: string): string | undefined => {
    const archive = archives.get(target);
    return archive && checksumOf(archive);
  };
  write("nimo-shake.rb", formula({ version: pkg.version, repository, checksum }));
}

/** As `sha256sum --check` reads them. */
function writeChecksums(): void {
  const lines = readdirSync(OUT)
    .toSorted()
    .map((name) => `${checksumOf(name)}  ${name}\n`);
  write("SHA256SUMS", lines.join(""));
  process.stdout.write(lines.join(""));
}

function checksumOf(name: string): string {
  return createHash("sha256")
    .update(readFileSync(join(OUT, name)))
    .digest("hex");
}

function run(...args: string[]): void {
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
}

function write(name: string, data: string | Uint8Array): void {
  writeFileSync(join(OUT, name), data);
}

function megabytes({ byteLength }: Uint8Array): string {
  return `${(byteLength / MB).toFixed(1)} MB`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
