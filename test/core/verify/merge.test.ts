/** Both sides' logs against each other: each key is told once, as what it is, however often the logs are split. */
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DigestLog, type LogFile, openDigestLog } from "../../../core/verify/digest-log.ts";
import { merge, type Merged, type Suspect } from "../../../core/verify/merge.ts";
import { ownTempFolder } from "../../servers/process.ts";

const scratch = ownTempFolder("merge");
afterAll(() => scratch.remove());
let folders = 0;

type Entry = [key: string, digest: number];
/** `stranger`: a document without a key, and its identifier. */
type Stored = Entry | { stranger: string };

interface Case {
  /** By segment. */
  source: Entry[][];
  target: Stored[];
}

interface Found extends Merged {
  suspects: [key: string, seen: Suspect["seen"]][];
  left: string[];
}

function newFolder(): string {
  const folder = join(scratch.folder, String(folders++));
  mkdirSync(folder);
  return folder;
}

async function written(path: string, fill: (log: DigestLog) => void): Promise<LogFile> {
  const log = await openDigestLog(path, undefined, false);
  fill(log);
  await log.sync();
  await log.close();
  return { path, crc: log.crc };
}

async function merged({ source, target }: Case, limit?: number): Promise<Found> {
  const folder = newFolder();
  const sources = source.map((entries, i) =>
    written(join(folder, `source-${i}.log`), (log) => {
      for (const [key, digest] of entries) log.append(Buffer.from(key), BigInt(digest));
    }),
  );
  const stored = written(join(folder, "target.log"), (log) => {
    for (const each of target) {
      if (Array.isArray(each)) log.append(Buffer.from(each[0]), BigInt(each[1]));
      else log.appendStranger(each.stranger);
    }
  });
  const sides = { source: await Promise.all(sources), target: [await stored] };
  const counts: Merged = { compared: 0, equal: 0 };
  const suspects: Found["suspects"] = [];
  for await (const { key, seen } of merge(sides, folder, counts, 0, limit)) {
    suspects.push([key.toString(), seen]);
  }
  const left = readdirSync(folder).filter((name) => !name.endsWith(".log"));
  return { ...counts, suspects: suspects.toSorted(), left };
}

/** What has to come of it. */
function expected({ source, target }: Case): Found {
  const items = new Map(source.flat());
  const documents = Map.groupBy(target.filter(Array.isArray) as Entry[], ([key]) => key);
  const seen = (key: string): Suspect["seen"] | undefined => {
    const digests = documents.get(key)?.map(([, digest]) => digest);
    if (digests === undefined) return "missing";
    if (!items.has(key)) return "extra";
    if (digests[0] !== items.get(key)) return "different";
    return digests.length > 1 ? "duplicate" : undefined;
  };
  const keys = [...new Set([...items.keys(), ...documents.keys()])];
  const suspects = keys.flatMap((key): Found["suspects"] => {
    const told = seen(key);
    return told === undefined ? [] : [[key, told]];
  });
  for (const each of target) if (!Array.isArray(each)) suspects.push([each.stranger, "stranger"]);
  const equal = [...items.keys()].filter((key) => seen(key) === undefined).length;
  return { compared: items.size, equal, suspects: suspects.toSorted(), left: [] };
}

const anyEntry: fc.Arbitrary<Entry> = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 30 }).map(String), fc.string({ maxLength: 20 })),
  fc.integer({ min: 0, max: 2 }),
);
const anyStored: fc.Arbitrary<Stored> = fc.oneof(
  { weight: 9, arbitrary: anyEntry },
  { weight: 1, arbitrary: fc.string({ maxLength: 5 }).map((id) => ({ stranger: JSON.stringify(id) })) },
);
const anyCase: fc.Arbitrary<Case> = fc.record({
  source: fc.array(fc.array(anyEntry, { maxLength: 60 }), { minLength: 1, maxLength: 3 }),
  target: fc.array(anyStored, { maxLength: 120 }),
});
/** From logs that are split twice to such as fit into memory. */
const LIMITS = [300, 1000, 3000, undefined];

describe("random sides", () => {
  test.each(LIMITS)(
    "within %p bytes of memory are told as what they are",
    async (limit) => {
      await fc.assert(
        fc.asyncProperty(anyCase, async (sides) => {
          expect(await merged(sides, limit)).toEqual(expected(sides));
        }),
        { numRuns: 30 },
      );
    },
    60_000,
  );

  test("that are almost equal are told by what they differ in", async () => {
    const items = fc.uniqueArray(fc.string({ maxLength: 20 }), { minLength: 50, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(items, fc.nat(), fc.constantFrom(...LIMITS.slice(1)), async (keys, at, limit) => {
        const all = keys.map((key, i): Entry => [key, i]);
        const place = at % keys.length;
        const target = all.with(place, [keys[place]!, keys.length]);
        const found = await merged({ source: [all], target: target.toReversed() }, limit);
        expect(found.suspects).toEqual([[keys[place]!, "different"]]);
        expect(found).toMatchObject({ compared: keys.length, equal: keys.length - 1 });
      }),
      { numRuns: 20 },
    );
  }, 60_000);
});

describe("a key", () => {
  const of = (source: Entry[], ...target: Stored[]): Promise<Found> => merged({ source: [source], target });

  test("that the source gave twice counts once, by its later image", async () => {
    const source: Entry[] = [
      ["a", 1],
      ["a", 2],
    ];
    expect(await of(source, ["a", 2])).toMatchObject({ compared: 1, equal: 1, suspects: [] });
    expect(await of(source, ["a", 1])).toMatchObject({ equal: 0, suspects: [["a", "different"]] });
  });

  test("with two documents is told, whether they are equal or not", async () => {
    expect(await of([["a", 1]], ["a", 1], ["a", 1])).toMatchObject({
      equal: 0,
      suspects: [["a", "duplicate"]],
    });
    expect(await of([["a", 1]], ["a", 1], ["a", 2])).toMatchObject({
      equal: 0,
      suspects: [["a", "duplicate"]],
    });
    expect(await of([["a", 1]], ["a", 2], ["a", 1])).toMatchObject({
      equal: 0,
      suspects: [["a", "different"]],
    });
  });

  test("that is an identifier's text too is not taken for it", async () => {
    const found = await of([["1", 0]], { stranger: "1" });
    expect(found.suspects).toEqual([
      ["1", "missing"],
      ["1", "stranger"],
    ]);
  });

  test("without anything in it is one", async () => {
    expect(await of([["", 1]], ["", 1])).toMatchObject({ compared: 1, equal: 1, suspects: [] });
  });

  test("whose entries alone don't fit is compared nevertheless", async () => {
    const many = Array.from({ length: 100 }, (): Entry => ["a", 7]);
    const found = await merged({ source: [many], target: [["a", 7]] }, 100);
    expect(found).toEqual({ compared: 1, equal: 1, suspects: [], left: [] });
  });
});

test("tens of thousands of keys, over the borders of everything", async () => {
  const count = 50_000;
  const source = Array.from({ length: count }, (_, i): Entry => [`customer#${i % 500} ${i}`, i]);
  const target: Stored[] = source.filter((_, i) => i % 1000 !== 7);
  target.push(["extra", 1], ["extra", 1]);
  for (const limit of [undefined, 300_000]) {
    const found = await merged({ source: [source], target }, limit);
    expect(found).toMatchObject({ compared: count, equal: count - 50, left: [] });
    expect(found.suspects.filter(([, seen]) => seen === "missing").length).toBe(50);
    expect(found.suspects.filter(([, seen]) => seen !== "missing")).toEqual([["extra", "extra"]]);
  }
}, 60_000);

test.each(["source", "target"] as const)("a log of the %s that was damaged tells nothing", async (side) => {
  const folder = newFolder();
  const sides = {
    source: [await written(join(folder, "source"), (log) => log.append(Buffer.from("a"), 1n))],
    target: [await written(join(folder, "target"), (log) => log.appendStranger('{"a":1}'))],
  };
  const [{ path }] = sides[side] as [LogFile];
  const bytes = readFileSync(path);
  bytes[5]! ^= 1;
  writeFileSync(path, bytes);
  const told: Suspect[] = [];
  const counts: Merged = { compared: 0, equal: 0 };
  const all = (async () => {
    for await (const suspect of merge(sides, folder, counts)) told.push(suspect);
  })();
  await expect(all).rejects.toMatchObject({ code: "DISK_FAILED" });
  expect(told).toEqual([]);
});
