/** The spool on the disk: what was appended is there, whatever is torn, lost or full. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { leaseLost } from "../../../core/plugin/lease-lost.ts";
import { openTableSpool } from "../../../core/spool/table-spool.ts";
import { openShardLog, type ShardLog } from "../../../core/spool/shard-log.ts";
import { namesIn } from "../../../core/spool/segment-files.ts";
import type { SourceRecord } from "../../../core/types.ts";

setDefaultTimeout(180_000);

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "nimo-shake-spool-"))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const CHILD = join(import.meta.dir, "spool-child.ts");

function record(n: number, text = "é\u2028\n"): SourceRecord {
  const keys = { pk: { S: `${n}` } };
  const item = { ...keys, text: { S: text } };
  return { op: "put", event: "INSERT", keys, item, sequenceNumber: String(n), time: 1000 + n };
}

const records = (from: number, to: number): SourceRecord[] =>
  Array.from({ length: to - from }, (_, i) => record(from + i));

/** Opens shard `s` with small segments. */
const open = async (segmentBytes = 2000, folder = dir): Promise<ShardLog> => {
  const files = { id: "run", table: "t", shard: "s", folder, prefix: "s" };
  return openShardLog(files, await namesIn(folder), segmentBytes);
};

async function numbers(read: ReturnType<ShardLog["read"]>): Promise<number[]> {
  const found: number[] = [];
  for (let some = await read(); some !== undefined; some = await read()) {
    found.push(...some.records.map(({ sequenceNumber }) => Number(sequenceNumber)));
  }
  return found;
}

const range = (from: number, to: number): number[] => records(from, to).map((_, i) => from + i);

describe("a shard's spool", () => {
  test("gives back what was appended, in this process and the next", async () => {
    const spool = await open();
    expect(spool).toMatchObject({ readUpTo: undefined, ended: false, bytes: 0 });
    await spool.append(records(8, 12));
    const next = await open();
    expect(next).toMatchObject({ readUpTo: "11", ended: false, bytes: spool.bytes });
    expect(await next.read()()).toMatchObject({ records: records(8, 12) });
    expect(await numbers(next.read("9"))).toEqual([10, 11]);
    expect(await numbers(next.read("11"))).toEqual([]);
  });

  test("stays as it is once its run must not write any more, and is another process's", async () => {
    let isLost = false;
    const mayWrite = async (): Promise<void> => {
      if (isLost) throw leaseLost("run");
    };
    const table = openTableSpool(dir, "run", "t", mayWrite);
    const spool = await table.shard("s");
    await spool.append(records(1, 4));
    isLost = true;
    const other = await openTableSpool(dir, "run", "t").shard("s");
    await other.append(records(4, 8));
    const writes = [
      () => spool.append(records(4, 6)),
      () => spool.end(),
      () => spool.remove(),
      () => table.remove(),
    ];
    for (const write of writes) await expect(write()).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    // What the other one has made of it is no damage.
    const read = spool.read();
    const [name] = await readdir(table.folder);
    const path = join(table.folder, name!);
    const bytes = await readFile(path);
    await rm(path);
    await expect(read()).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    await writeFile(path, Buffer.alloc(bytes.length));
    await expect(read()).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    await writeFile(path, bytes);
    const next = await openTableSpool(dir, "run", "t").shard("s");
    expect([next.ended, await numbers(next.read())]).toEqual([false, range(1, 8)]);
  });

  test("is opened by nobody who was replaced: what looks torn may be what the other process writes", async () => {
    let isLost = false;
    const mayWrite = async (): Promise<void> => {
      if (isLost) throw leaseLost("run");
    };
    const before = await open();
    await before.append(records(1, 4));
    const whole = before.bytes;
    const [name] = await readdir(dir);
    const path = join(dir, name!);
    const bytes = await readFile(path);
    // A frame that is being written; and a file of which nothing is whole yet.
    for (const there of [Buffer.concat([bytes, bytes.subarray(0, 20)]), bytes.subarray(0, 20)]) {
      await writeFile(path, there);
      isLost = true;
      const files = { id: "run", table: "t", shard: "s", folder: dir, prefix: "s" };
      const refused = openShardLog(files, await namesIn(dir), 2000, mayWrite);
      await expect(refused).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
      expect(await readFile(path)).toEqual(there);
      isLost = false;
      expect((await openShardLog(files, await namesIn(dir), 2000, mayWrite)).bytes).toBe(
        there.length > whole ? whole : 0,
      );
    }
    // Nor is a folder made.
    isLost = true;
    const folder = join(dir, "spool");
    const refused = openTableSpool(folder, "run", "t", mayWrite).shard("s");
    await expect(refused).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    expect(await readdir(dir)).not.toContain("spool");
  });

  test("leaves out what it has already, by number and not by text", async () => {
    const spool = await open();
    await spool.append(records(8, 11));
    await spool.append(records(9, 13));
    await spool.append(records(1, 3));
    expect(await numbers(spool.read())).toEqual(range(8, 13));
    expect((await open()).readUpTo).toBe("12");
  });

  test("knows its end", async () => {
    const spool = await open();
    await spool.end();
    await spool.end();
    expect(await open()).toMatchObject({ readUpTo: undefined, ended: true });
    const other = await open();
    expect(await numbers(other.read())).toEqual([]);
  });

  test("is read while it is appended to, over segments", async () => {
    const spool = await open(500);
    const read = spool.read();
    expect(await read()).toBeUndefined();
    for (let n = 0; n < 40; n++) {
      await spool.append([record(n)]);
      expect(await numbers(read)).toEqual([n]);
    }
    expect((await readdir(dir)).length).toBeGreaterThan(5);
    expect(await numbers((await open(500)).read("17"))).toEqual(range(18, 40));
  });

  test("loses nothing when what is applied goes under a reader's feet", async () => {
    const spool = await open(500);
    const read = spool.read();
    for (let n = 0; n < 60; n += 3) {
      await spool.append(records(n, n + 3));
      expect(await numbers(read)).toEqual(range(n, n + 3));
      await spool.discard(String(n + 2));
    }
    expect(await readdir(dir)).toHaveLength(1);
    // How far it was read is still known, and the next process goes on.
    const next = await open(500);
    expect(next.readUpTo).toBe("59");
    await next.append(records(55, 62));
    expect(await numbers(next.read("59"))).toEqual([60, 61]);
  });

  test("discards nothing that isn't applied", async () => {
    const spool = await open(500);
    for (const each of records(0, 40)) await spool.append([each]);
    await spool.discard("20");
    expect(await numbers(spool.read("20"))).toEqual(range(21, 40));
    expect(await numbers((await open()).read("20"))).toEqual(range(21, 40));
    await spool.remove();
    expect(await readdir(dir)).toEqual([]);
    expect(await open()).toMatchObject({ readUpTo: undefined, ended: false, bytes: 0 });
  });
});

describe("after a crash", () => {
  test("a torn tail is cut, at whichever byte", async () => {
    const spool = await open(100_000);
    await spool.append(records(0, 3));
    const whole = spool.bytes;
    await spool.append([record(3, "short")]);
    const [name] = await readdir(dir);
    const bytes = await readFile(join(dir, name!));
    for (let size = whole; size < bytes.length; size++) {
      await writeFile(join(dir, name!), bytes.subarray(0, size));
      const torn = await open();
      expect([torn.readUpTo, torn.bytes]).toEqual(["2", whole]);
      expect((await stat(join(dir, name!))).size).toBe(whole);
      if (size % 16 > 0) continue;
      await torn.append(records(2, 5));
      expect(await numbers((await open()).read())).toEqual(range(0, 5));
    }
  });

  test("a segment with nothing whole is no segment", async () => {
    const spool = await open(200);
    await spool.append([record(0)]);
    await spool.append([record(1)]);
    const names = (await readdir(dir)).sort();
    expect(names).toHaveLength(2);
    await truncate(join(dir, names[1]!), 20);
    const torn = await open(200);
    expect(torn.readUpTo).toBe("0");
    await torn.append(records(0, 2));
    expect(await numbers((await open()).read())).toEqual([0, 1]);
  });

  test("a tail of zeros, as a file system may leave it, is cut", async () => {
    const spool = await open();
    await spool.append(records(0, 2));
    const [name] = await readdir(dir);
    await truncate(join(dir, name!), spool.bytes + 5000);
    expect(await numbers((await open()).read())).toEqual([0, 1]);
  });

  test("a wrong bit before the tail is refused, with file and place, and nothing is cut", async () => {
    const spool = await open(100_000);
    for (const each of records(0, 5)) await spool.append([each]);
    const [name] = await readdir(dir);
    const path = join(dir, name!);
    const bytes = await readFile(path);
    const lastFrame = bytes.lastIndexOf(Buffer.from([0xff, 0x6e, 0x73, 0xff]));
    for (let at = 0; at < lastFrame; at += 7) {
      const wrong = Buffer.from(bytes);
      wrong[at]! ^= 1 << (at % 8);
      await writeFile(path, wrong);
      const refusal = await open().catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "SPOOL_FAILED" });
      expect(String(refusal)).toContain(path);
      expect((await stat(path)).size).toBe(bytes.length);
    }
  });

  test("a missing segment, and another run's, are refused", async () => {
    const spool = await open(200);
    for (const each of records(0, 4)) await spool.append([each]);
    const names = (await readdir(dir)).sort();
    const files = { id: "other", table: "t", shard: "s", folder: dir, prefix: "s" };
    await expect(openShardLog(files, names)).rejects.toThrow("it is that of run t s 0, not of other t s 0");
    await rm(join(dir, names[1]!));
    await expect(open(200)).rejects.toThrow("the file before is missing");
  });

  test("kill -9 while it appends, ten times: what was acknowledged is there", async () => {
    let acknowledged = -1;
    for (let kill = 0; kill < 10; kill++) {
      const child = Bun.spawn([process.execPath, CHILD, dir, String(acknowledged + 1)], { stdout: "pipe" });
      const text = new TextDecoder();
      let said = "";
      let killed: Promise<void> | undefined;
      for await (const bytes of child.stdout) {
        said += text.decode(bytes);
        // Not before it has begun, however long that takes on a busy machine.
        killed ??= Bun.sleep(100 + 40 * kill).then(() => child.kill("SIGKILL"));
      }
      await killed;
      await child.exited;
      acknowledged = Math.max(acknowledged, ...said.split("\n").slice(0, -1).map(Number));
      const spool = await openTableSpool(dir, "child", "t").shard("s");
      const found = await numbers(spool.read());
      expect(found).toEqual(range(0, found.length));
      expect(found.length - 1).toBeGreaterThanOrEqual(acknowledged);
      expect(found.length - 2).toBeLessThanOrEqual(acknowledged);
    }
    expect(acknowledged).toBeGreaterThan(100);
  });
});

test("a disk that is full: SPOOL_FAILED, what was acknowledged stays, and it goes on when there is room", async () => {
  // A file may have 64 KiB here, which fails a write as a full disk does.
  const limited = Bun.spawn(["sh", "-c", `ulimit -f 64; exec "$0" "$@"`, process.execPath, CHILD, dir, "0"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines = (await new Response(limited.stdout).text()).split("\n").slice(0, -1);
  expect(await new Response(limited.stderr).text()).toContain("takes no larger file: writing to");
  const spool = await openTableSpool(dir, "child", "t").shard("s");
  expect(await numbers(spool.read())).toEqual(range(0, lines.length));
  await spool.append([record(lines.length)]);
  expect(spool.readUpTo).toBe(String(lines.length));
});

test("a folder that can't be made names it", async () => {
  await writeFile(join(dir, "file"), "");
  await expect(openTableSpool(join(dir, "file"), "run", "t").shard("s")).rejects.toMatchObject({
    code: "SPOOL_FAILED",
    hint: expect.stringContaining("increase.persist.dir"),
  });
});

test("tables, runs and shards have files of their own, whatever their names; all of it can be removed", async () => {
  const names = ["t", "T", "t.x", "t x", "t/../x", "ü".repeat(300)];
  for (const table of names) {
    for (const id of ["a", "b"]) {
      const spool = openTableSpool(join(dir, "deep", "er"), id, table);
      for (const shard of ["s", "S"])
        await (await spool.shard(shard)).append([record(7, table + id + shard)]);
    }
  }
  await mkdir(join(dir, "deep", "er", "theirs"));
  for (const table of names) {
    for (const id of ["a", "b"]) {
      const spool = openTableSpool(join(dir, "deep", "er"), id, table);
      const found = await (await spool.shard("S")).read()();
      expect(found!.records).toEqual([record(7, `${table + id}S`)]);
      await spool.remove();
    }
  }
  expect(await readdir(join(dir, "deep", "er"))).toEqual(["theirs"]);
});

test("property: as a list, whatever is appended, read, discarded, and however often it is opened", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 6 }), back: fc.nat(4) }),
    fc.record({ do: fc.constant("open" as const) }),
    fc.record({ do: fc.constant("discard" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant("read" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 1500 }),
      async (steps, size) => {
        const folder = await mkdtemp(join(dir, "p"));
        let spool = await open(size, folder);
        let next = 0;
        let applied = -1;
        for (const each of steps) {
          const upTo = "share" in each ? Math.max(applied, Math.floor(each.share * next) - 1) : applied;
          if (each.do === "append") {
            await spool.append(records(Math.max(0, next - each.back), next + each.count));
            next += each.count;
          } else if (each.do === "open") spool = await open(size, folder);
          else if (each.do === "discard") {
            applied = upTo;
            if (applied >= 0) await spool.discard(String(applied));
          } else {
            expect(await numbers(spool.read(upTo < 0 ? undefined : String(upTo)))).toEqual(
              range(upTo + 1, next),
            );
          }
          expect(spool.readUpTo).toBe(next === 0 ? undefined : String(next - 1));
        }
        await rm(folder, { recursive: true });
      },
    ),
    { numRuns: 60 },
  );
});

test("tables that take their parts away, or make them, at the same time don't disturb each other", async () => {
  for (let round = 0; round < 20; round++) {
    const tables = Array.from({ length: 8 }, (_, n) => openTableSpool(join(dir, "shared"), "run", `t${n}`));
    const [first, ...others] = tables;
    for (const table of tables) await table.shard("s");
    await Promise.all([
      ...others.map((table) => table.remove()),
      first!.remove().then(() => openTableSpool(join(dir, "shared"), "run", "t0").shard("s")),
    ]);
    await first!.remove();
  }
});
