/** Fetching files over HTTP. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { message } from "./command.ts";

const SECOND = 1000;
const CONNECT_TIMEOUT = 5 * SECOND;
const STALL_TIMEOUT = 30 * SECOND;

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
  await expectSha256(file, (await (await open(url, "GET")).text()).trim().split(/\s+/)[0]!);
}

/** Fails unless `file` has this SHA-256, in hexadecimal digits. */
export async function expectSha256(file: string, expected: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  if (hash.digest("hex") !== expected.toLowerCase())
    throw new Error(`${basename(file)} has another checksum than it should have`);
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
