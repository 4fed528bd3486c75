/**
 * Both sides' logs against each other, by key: what is there once on either side with the same digest is equal, the
 * rest is told. Logs that don't fit into memory are split by a hash of the key first, on the disk.
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkDigestLog, type DigestLog, type LogFile, openDigestLog, readDigestLog } from "./digest-log.ts";
import { createDigestTable } from "./digest-table.ts";
import { keyHash } from "./key-hash.ts";

/** What a first comparison has seen of a key; it may be over by now. */
export interface Suspect {
  /** Of a stranger its identifier as JSON. */
  key: Buffer;
  seen: "different" | "missing" | "extra" | "duplicate" | "stranger";
}

/** The logs of both sides. */
export interface Sides {
  source: LogFile[];
  target: LogFile[];
}

/** How many keys the source has, and how many of them are equal. */
export interface Merged {
  compared: number;
  equal: number;
}

/** Logs of so many bytes together are compared in memory; it holds the source's. */
const IN_MEMORY = 32 * 1024 * 1024;
/** Parts that don't fit either are split once more. */
const MOST_PARTS = 64;
const MOST_LEVELS = 4;
/** A part's entries that wait to be written, in bytes. */
const WAITING = 32 * 1024;
/** What was seen of a key that the source has. */
const [UNSEEN, EQUAL, TOLD] = [0, 1, 2];

/**
 * Compares.
 *
 * @param folder where parts may be kept meanwhile
 * @param counts is added to
 * @param level how often the logs were split already
 */
export async function* merge(
  sides: Sides,
  folder: string,
  counts: Merged,
  level = 0,
  limit: number = IN_MEMORY,
): AsyncGenerator<Suspect> {
  const size = await sizeOf(sides);
  // A key whose entries alone are too many can't be split any more.
  if (size <= limit || level === MOST_LEVELS) return yield* compare(sides, counts);
  const parts = Math.min(MOST_PARTS, Math.ceil((2 * size) / limit));
  const source = await split(sides.source, join(folder, `${level}-source`), parts, level);
  const target = await split(sides.target, join(folder, `${level}-target`), parts, level);
  for (const [part, ofSource] of source.entries()) {
    const ofTarget = target[part]!;
    yield* merge({ source: [ofSource], target: [ofTarget] }, folder, counts, level + 1, limit);
    await rm(ofSource.path);
    await rm(ofTarget.path);
  }
}

async function sizeOf({ source, target }: Sides): Promise<number> {
  const sizes = await Promise.all([...source, ...target].map(async ({ path }) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function* compare({ source, target }: Sides, counts: Merged): AsyncGenerator<Suspect> {
  const table = createDigestTable();
  for (const log of source) {
    for await (const entries of readDigestLog(log)) {
      entries((bytes, key, digest) => {
        const entry = table.entry(bytes, key, digest);
        // A page that was read twice gives a key twice; the later image counts.
        table.setDigest(entry, bytes, digest);
      });
    }
  }
  const expected = table.count;
  counts.compared += expected;
  for (const log of target) {
    // What is told of its entries is worked with before its end is read.
    await checkDigestLog(log);
    for await (const entries of readDigestLog(log)) {
      const suspects: Suspect[] = [];
      entries((bytes, key, digest, isStranger) => {
        const tell = (seen: Suspect["seen"]): void =>
          void suspects.push({ key: Buffer.from(bytes.subarray(key, digest)), seen });
        if (isStranger) return tell("stranger");
        const entry = table.entry(bytes, key, digest);
        const mark = table.mark(entry);
        if (mark === TOLD) return;
        if (mark === UNSEEN && entry < expected && table.hasDigest(entry, bytes, digest)) {
          table.setMark(entry, EQUAL);
          counts.equal++;
          return;
        }
        if (mark === EQUAL) counts.equal--;
        table.setMark(entry, TOLD);
        tell(entry >= expected ? "extra" : mark === EQUAL ? "duplicate" : "different");
      });
      yield* suspects;
    }
  }
  for (let entry = 0; entry < expected; entry++) {
    if (table.mark(entry) === UNSEEN) yield { key: table.key(entry), seen: "missing" };
  }
}

/** Gives the parts; each has all entries of its keys. */
async function split(from: LogFile[], prefix: string, count: number, level: number): Promise<LogFile[]> {
  const parts = Array.from({ length: count }, (_, i) => `${prefix}-${i}.part`);
  const logs: DigestLog[] = [];
  try {
    for (const part of parts) logs.push(await openDigestLog(part, undefined, false));
    for (const file of from) {
      for await (const entries of readDigestLog(file)) {
        entries((bytes, key, digest) =>
          logs[keyHash(bytes, key, digest, level) % count]!.appendEntry(bytes, key, digest),
        );
        for (const log of logs) if (log.waiting >= WAITING) await log.sync();
      }
    }
    for (const log of logs) await log.sync();
    return parts.map((path, part) => ({ path, crc: logs[part]!.crc }));
  } finally {
    for (const log of logs) await log.close();
  }
}
