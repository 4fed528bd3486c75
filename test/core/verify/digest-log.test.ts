/** One side's digests on the disk: what is appended is read, and what was never noted is not. */
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { appendFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import {
  type DigestLog,
  type Written,
  openDigestLog,
  readDigestLog,
} from "../../../core/verify/digest-log.ts";
import { ownTempFolder } from "../../servers/process.ts";

const scratch = ownTempFolder("digest-log");
afterAll(() => scratch.remove());
let logs = 0;
const newPath = (): string => join(scratch.folder, `${logs++}.log`);

interface Entry {
  key: string;
  digest: bigint;
  isStranger: boolean;
}

function append(log: DigestLog, { key, digest, isStranger }: Entry): void {
  if (isStranger) log.appendStranger(key);
  else log.append(Buffer.from(key), digest);
}

/** @param crc of all of the log; default: of what is in it */
async function entriesOf(path: string, crc: number = crc32(readFileSync(path))): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entries of readDigestLog({ path, crc })) {
    entries((bytes, key, digest, isStranger) => {
      const text = bytes.toString("utf8", key, digest);
      found.push({ key: text, digest: bytes.readBigUInt64LE(digest), isStranger });
    });
  }
  return found;
}

const entry = (key: string, digest = 1n, isStranger = false): Entry => ({ key, digest, isStranger });

const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    key: fc.string({ maxLength: 40 }),
    digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    isStranger: fc.constant(false),
  }),
  fc.string({ maxLength: 40 }).map((text) => entry(JSON.stringify(text), 0n, true)),
);

test("what is appended is read, whenever it is synced and whenever the log is opened again", async () => {
  const rounds = fc.array(fc.array(fc.array(anyEntry, { maxLength: 20 }), { maxLength: 5 }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(rounds, async (opened) => {
      const path = newPath();
      let reached: Written = { length: 0, crc: 0 };
      for (const synced of opened) {
        const log = await openDigestLog(path, reached);
        for (const entries of synced) {
          for (const each of entries) append(log, each);
          await log.sync();
        }
        reached = { length: log.length, crc: log.crc };
        await log.close();
      }
      if (opened.length > 0) expect(await entriesOf(path, reached.crc)).toEqual(opened.flat(2));
    }),
    { numRuns: 40 },
  );
});

describe("a log opened again", () => {
  test("loses what is behind its length, be it half an entry", async () => {
    const path = newPath();
    const log = await openDigestLog(path);
    append(log, entry("a"));
    const { length, crc } = log;
    append(log, entry("b".repeat(100)));
    await log.sync();
    await log.close();
    await truncate(path, (await stat(path)).size - 3);

    const again = await openDigestLog(path, { length, crc });
    append(again, entry("c"));
    await again.sync();
    await again.close();
    expect(await entriesOf(path)).toEqual([entry("a"), entry("c")]);
    expect(again.crc).toBe(crc32(readFileSync(path)));
  });

  test("at length 0 begins anew", async () => {
    const path = newPath();
    const log = await openDigestLog(path);
    append(log, entry("a"));
    await log.sync();
    await log.close();
    await (await openDigestLog(path)).close();
    expect(await entriesOf(path)).toEqual([]);
  });
});

test("what was appended before a sync is in the file after it, whatever is appended meanwhile", async () => {
  const path = newPath();
  const log = await openDigestLog(path);
  const all = Array.from({ length: 3000 }, (_, i) => entry(`key ${i}`, BigInt(i)));
  const syncs: Promise<void>[] = [];
  for (const [i, each] of all.entries()) {
    append(log, each);
    const { length } = log;
    if (i % 100 === 0)
      syncs.push(log.sync().then(async () => expect((await stat(path)).size >= length).toBe(true)));
    if (i % 250 === 0) await syncs.at(-1);
  }
  await Promise.all(syncs);
  expect((await stat(path)).size).toBe(log.length - log.waiting);
  await log.sync();
  expect(log.waiting).toBe(0);
  await log.close();
  expect(await entriesOf(path)).toEqual(all);
});

test("keys may be longer than what is read at once", async () => {
  const path = newPath();
  const log = await openDigestLog(path);
  const all = [40_000, 3_000_000, 1, 1_048_560].map((size, i) => entry("k".repeat(size), BigInt(i)));
  all.push(entry(JSON.stringify("s".repeat(2_000_000)), 0n, true));
  for (const each of all) append(log, each);
  await log.sync();
  await log.close();
  const found = await entriesOf(path);
  expect(found.map(({ key }) => key.length)).toEqual(all.map(({ key }) => key.length));
  expect(found).toEqual(all);
});

test("many entries are read over the borders of what is read at once", async () => {
  const path = newPath();
  const log = await openDigestLog(path);
  const all = Array.from({ length: 100_000 }, (_, i) => entry(`key ${i} ${"x".repeat(i % 30)}`, BigInt(i)));
  for (const each of all) append(log, each);
  await log.sync();
  await log.close();
  expect(await entriesOf(path)).toEqual(all);
});

test("an entry is copied from another log as it is", async () => {
  const [from, to] = [newPath(), newPath()];
  const log = await openDigestLog(from);
  const all = [entry("a", 5n), entry('"id"', 0n, true), entry("", 2n ** 64n - 1n)];
  for (const each of all) append(log, each);
  await log.sync();
  await log.close();
  const copy = await openDigestLog(to, undefined, false);
  for await (const entries of readDigestLog({ path: from, crc: log.crc })) {
    entries((bytes, key, digest) => copy.appendEntry(bytes, key, digest));
  }
  await copy.sync();
  await copy.close();
  expect(await entriesOf(to)).toEqual(all);
});

test("half an entry at the end of a log is told: what is behind it would be compared with nothing", async () => {
  const path = newPath();
  const log = await openDigestLog(path);
  append(log, entry("whole"));
  await log.sync();
  await log.close();
  await appendFile(path, Buffer.from([200, 0, 0, 0, 1, 2, 3]));
  const error = await entriesOf(path).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "DISK_FAILED" });
});

test("a wrong bit anywhere in a log is told, also where it swallows a key", async () => {
  const path = newPath();
  const log = await openDigestLog(path);
  for (const key of ["a", "b", "c"]) append(log, entry(key, 5n));
  await log.sync();
  await log.close();
  const right = readFileSync(path);
  for (let bit = 0; bit < right.length * 8; bit++) {
    const wrong = Buffer.from(right);
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    await writeFile(path, wrong);
    const error = await entriesOf(path, log.crc).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "DISK_FAILED" });
  }
  // The first key takes in all up to the second one's digest.
  const swallowed = Buffer.from(right);
  swallowed.writeUInt32LE(right.length / 3 + 1);
  await writeFile(path, swallowed);
  expect((await entriesOf(path)).length).toBe(2);
  await expect(entriesOf(path, log.crc)).rejects.toMatchObject({ code: "DISK_FAILED" });
});

test("a length that is wrong takes no more memory than the largest entry", async () => {
  const path = newPath();
  await writeFile(path, Buffer.from([0xff, 0xff, 0xff, 0x7f]));
  await truncate(path, 512 * 1024 * 1024);
  const before = process.memoryUsage().rss;
  await expect(entriesOf(path, 0)).rejects.toMatchObject({ code: "DISK_FAILED" });
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
});
