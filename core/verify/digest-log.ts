/**
 * One side of a comparison on the disk: for each document its key and the digest of the rest, in the order in which
 * they came. What is appended is in memory until it is synced.
 *
 * An entry: the key's length in four bytes (the highest bit: no key but a document's identifier as JSON), the key, and
 * eight bytes of digest.
 */
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { MigrationError } from "../errors.ts";
import { openPrivate, writeAll } from "../host/durable-files.ts";

/** How much of a log there is, whether it is on the disk or not. */
export interface Written {
  /** In bytes. */
  readonly length: number;
  /** Of those bytes: a wrong bit in a key's length would swallow the keys behind it. */
  readonly crc: number;
}

/** A log that is whole. */
export interface LogFile {
  path: string;
  crc: number;
}

/** See the top of the file. */
export interface DigestLog extends Written {
  /** Bytes that wait for the disk. */
  readonly waiting: number;
  append(key: Uint8Array, digest: bigint): void;
  /** A document without a key of the table's. */
  appendStranger(id: string): void;
  /** An entry of another log, as it was read. */
  appendEntry(bytes: Uint8Array, key: number, digest: number): void;
  /** Resolves when all that was appended before is in the file. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * An entry as it is read, valid until it returns: in `bytes` its key begins at `key` and ends where its digest begins, at
 * `digest`. Of a stranger the key is its identifier as JSON.
 */
export type OnEntry = (bytes: Buffer, key: number, digest: number, isStranger: boolean) => void;

export const DIGEST_BYTES = 8;
const HEAD_BYTES = 4;
const STRANGER = 0x8000_0000;
const FIRST_SIZE = 64 * 1024;
const CHUNK = 1024 * 1024;
/** So many bytes may wait for the disk before who appends should. */
export const MOST_WAITING: number = 16 * 1024 * 1024;
/** No entry is larger, in bytes: MongoDB's documents aren't, and their identifiers' text isn't much longer. */
const LARGEST = 128 * 1024 * 1024;
const NOTHING: Written = { length: 0, crc: 0 };

/**
 * Opens a log to append to it.
 *
 * @param from so much of it counts; what is behind was never noted
 * @param lasts whether what is synced has to be there after a power cut
 */
export async function openDigestLog(
  path: string,
  { length, crc: known }: Written = NOTHING,
  lasts = true,
): Promise<DigestLog> {
  const file = await openPrivate(path, length === 0 ? "w" : "r+");
  if (length > 0) await file.truncate(length);
  let written = length;
  let buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  /** The one that was written before. */
  let spare: Buffer | undefined;
  let end = 0;
  /** Of what is written, and of the buffer up to `summed`. */
  let crc = known;
  let summed = 0;
  let syncing: Promise<void> = Promise.resolve();

  function reserve(bytes: number): void {
    if (end + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, end + bytes));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  }

  /** A call for each entry's bytes would take longer than the loop. */
  function copy(bytes: Uint8Array, from: number, to: number): void {
    reserve(to - from);
    const out = buffer;
    let at = end;
    for (let i = from; i < to; i++) out[at++] = bytes[i]!;
    end = at;
  }

  function put(key: Uint8Array, digest: bigint, flag: number): void {
    reserve(HEAD_BYTES + key.length + DIGEST_BYTES);
    end = buffer.writeUInt32LE(key.length + flag, end);
    copy(key, 0, key.length);
    end = buffer.writeBigUInt64LE(digest, end);
  }

  function sum(): number {
    if (summed < end) crc = crc32(buffer.subarray(summed, end), crc);
    summed = end;
    return crc;
  }

  async function write(): Promise<void> {
    if (end === 0) return;
    sum();
    const full = buffer;
    const bytes = full.subarray(0, end);
    const at = written;
    buffer = spare ?? Buffer.allocUnsafeSlow(full.length);
    spare = undefined;
    written += end;
    end = 0;
    summed = 0;
    await writeAll(file, bytes, at);
    if (lasts) await file.datasync();
    spare = full;
  }

  return {
    get length() {
      return written + end;
    },
    get crc() {
      return sum();
    },
    get waiting() {
      return end;
    },
    append: (key, digest) => put(key, digest, 0),
    appendStranger: (id) => put(Buffer.from(id), 0n, STRANGER),
    appendEntry: (bytes, key, digest) => copy(bytes, key - HEAD_BYTES, digest + DIGEST_BYTES),
    sync() {
      return (syncing = syncing.then(write));
    },
    async close() {
      await syncing.catch(() => {});
      await file.close();
    },
  };
}

/**
 * Reads a log, some entries at a time; they are valid until the next ones are asked for.
 *
 * @throws MigrationError DISK_FAILED when it isn't what was written, at its end at the latest
 */
export async function* readDigestLog({
  path,
  crc: written,
}: LogFile): AsyncGenerator<(onEntry: OnEntry) => void> {
  const file = await open(path, "r");
  try {
    let buffer: Buffer = Buffer.allocUnsafeSlow(CHUNK);
    let [at, end, crc] = [0, 0, 0];
    for (;;) {
      // An entry that is larger than the buffer.
      if (end >= LARGEST) throw damaged(path);
      if (end === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
      const { bytesRead } = await file.read(buffer, end, buffer.length - end, at);
      if (bytesRead === 0 && (end > 0 || crc !== written)) throw damaged(path);
      if (bytesRead === 0) return;
      crc = crc32(buffer.subarray(end, end + bytesRead), crc);
      at += bytesRead;
      end += bytesRead;
      let parsed = 0;
      const chunk = buffer.subarray(0, end);
      yield (onEntry) => (parsed = eachEntry(chunk, onEntry));
      buffer.copyWithin(0, parsed, end);
      end -= parsed;
    }
  } finally {
    await file.close();
  }
}

/** Refuses a log that isn't what was written, before anybody works with what is in it. @throws MigrationError DISK_FAILED */
export async function checkDigestLog({ path, crc: written }: LogFile): Promise<void> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    let crc = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK);
      if (bytesRead === 0) break;
      crc = crc32(buffer.subarray(0, bytesRead), crc);
    }
    if (crc !== written) throw damaged(path);
  } finally {
    await file.close();
  }
}

function damaged(path: string): MigrationError {
  return new MigrationError("DISK_FAILED", `it isn't what was written into it: ${path}`, {
    hint: "start again with --fresh",
  });
}

/** Gives where the last whole entry ends. */
function eachEntry(chunk: Buffer, onEntry: OnEntry): number {
  let at = 0;
  while (at + HEAD_BYTES <= chunk.length) {
    const head = chunk.readUInt32LE(at);
    const key = at + HEAD_BYTES;
    const digest = key + (head % STRANGER);
    if (digest + DIGEST_BYTES > chunk.length) break;
    onEntry(chunk, key, digest, head >= STRANGER);
    at = digest + DIGEST_BYTES;
  }
  return at;
}
