/** Files of a checkpoint and of a spool, cut, flipped and mixed up: what was saved, or an error that names the file. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { namesIn } from "../../core/spool/segment-files.ts";
import { openShardLog, type ShardLog } from "../../core/spool/shard-log.ts";
import type { SourceRecord } from "../../core/types.ts";
import { MigrationError } from "../../core/errors.ts";
import { readStates, writeStates } from "../../plugins/checkpoint/file/state-file.ts";
import { codeOf, fuzz, type Outcome } from "./fuzzing.ts";

const OWNER = { id: "app", name: "table:t" };
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "nimo-fuzz-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What an error has to say of a file. */
function named(error: unknown, path: string): Outcome {
  const code = codeOf(error);
  const { message, hint } = error as MigrationError;
  expect(message).toContain(path);
  expect(hint).toBeDefined();
  return code;
}

describe("a checkpoint's file", () => {
  const state = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.stringify(value));
  const states = fc.dictionary(fc.string({ unit: "grapheme" }), state, { maxKeys: 5 });

  fuzz("states in a file, with broken bytes", {
    inputs: states.chain((parts) =>
      fc.record({
        parts: fc.constant(parts),
        cut: fc.double({ min: 0, max: 1, noNaN: true }),
        bit: fc.nat(),
        way: fc.constantFrom("whole", "cut", "flipped", "a line less"),
      }),
    ),
    runs: 100,
    sees: ["right", "CHECKPOINT_MISMATCH"],
    async check({ parts, cut, bit, way }) {
      const path = join(folder, "states.jsonl");
      const saved = new Map(Object.entries(parts));
      await writeStates(path, `${path}.draft`, OWNER, saved);
      const bytes = await readFile(path);
      await writeFile(path, broken(bytes, way, cut, bit));
      try {
        const read = await readStates(path, OWNER);
        expect([...read]).toEqual([...saved].map(([part, text]) => [part, JSON.stringify(JSON.parse(text))]));
        return "right";
      } catch (error) {
        expect(way).not.toBe("whole");
        return named(error, path);
      }
    },
  });

  fuzz("something else in a state file's place", {
    inputs: fc.constantFrom(
      "a folder",
      "a link to nowhere",
      "a loop",
      "another id's",
      "another name's",
      "a newer version's",
      "nothing in it",
    ),
    runs: 30,
    async check(what) {
      const path = join(folder, `place-${what.replaceAll(/\W/g, "-")}.jsonl`);
      await rm(path, { recursive: true, force: true });
      const other = (owner: typeof OWNER): Promise<void> =>
        writeStates(path, `${path}.draft`, owner, new Map([["0", "1"]]));
      if (what === "a folder") await mkdir(path);
      else if (what === "a link to nowhere") await symlink(join(folder, "nowhere"), path);
      else if (what === "a loop") await symlink(path, path);
      else if (what === "another id's") await other({ ...OWNER, id: "App" });
      else if (what === "another name's") await other({ ...OWNER, name: "table:T" });
      else if (what === "a newer version's")
        await writeFile(path, '{"nimo-shake":2,"id":"app","name":"table:t"}\n');
      else await writeFile(path, "");
      try {
        await readStates(path, OWNER);
      } catch (error) {
        return named(error, path);
      }
      throw new Error(`${what} was read`);
    },
  });
});

function broken(bytes: Buffer, way: string, cut: number, bit: number): Buffer {
  const at = Math.floor(cut * bytes.length);
  if (way === "cut") return bytes.subarray(0, at);
  if (way === "a line less") {
    const lines = bytes.toString("utf8").trimEnd().split("\n");
    return Buffer.from(`${lines.toSpliced(Math.floor(cut * lines.length), 1).join("\n")}\n`);
  }
  if (way === "flipped" && at < bytes.length) bytes[at]! ^= 1 << (bit % 8);
  return bytes;
}

describe("a shard's spool", () => {
  const record = (n: number): SourceRecord => {
    const keys = { pk: { S: `${n}` } };
    return { op: "put", event: "INSERT", keys, item: keys, sequenceNumber: String(n), time: n };
  };

  fuzz("a spool with broken bytes", {
    inputs: fc.record({
      records: fc.integer({ min: 1, max: 12 }),
      file: fc.nat(),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      bit: fc.nat(),
      way: fc.constantFrom("whole", "cut", "flipped", "gone"),
    }),
    runs: 40,
    sees: ["right", "SPOOL_FAILED"],
    async check({ records, file, cut, bit, way }) {
      const place = await mkdtemp(join(folder, "spool-"));
      const open = async (): Promise<ShardLog> =>
        openShardLog(
          { id: "run", table: "t", shard: "s", folder: place, prefix: "s" },
          await namesIn(place),
          400,
        );
      const log = await open();
      for (let n = 1; n <= records; n++) await log.append([record(n)]);
      const names = (await readdir(place)).toSorted();
      const name = names[file % names.length]!;
      const path = join(place, name);
      if (way === "gone") await rm(path);
      else await writeFile(path, broken(await readFile(path), way, cut, bit));
      try {
        const again = await open();
        const found: number[] = [];
        const read = again.read();
        for (let some = await read(); some !== undefined; some = await read())
          found.push(...some.records.map(({ sequenceNumber }) => Number(sequenceNumber)));
        // From the first one on without a hole, and it says itself up to where: who has noted more knows that some are missing.
        const from = found[0] ?? 1;
        expect(found).toEqual(Array.from({ length: found.length }, (_, i) => from + i));
        expect(again.readUpTo).toBe(found.length === 0 ? undefined : String(found.at(-1)));
        if (way === "whole") expect(found.length).toBe(records);
        return found.length === records ? "right" : "shorter, and says so";
      } catch (error) {
        expect(way).not.toBe("whole");
        return named(error, place);
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    },
  });
});
