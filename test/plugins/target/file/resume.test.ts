/** The target `file` after its process was stopped somewhere. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { BSON } from "mongodb";
import type { Target } from "../../../../core/plugin/roles.ts";
import { walk } from "../../../../plugins/target/file/walk.ts";
import { expectFailure } from "../../checkpoint/open.ts";
import { DOCUMENTS, SEGMENTS } from "./child.ts";
import {
  encoded,
  INDEXES,
  NEVER,
  numbers,
  type Place,
  TABLE,
  temporaryPlace,
  unitOf,
  write,
} from "./place.ts";

setDefaultTimeout(180_000);

const OPTIONS = { signal: NEVER };

/** What an earlier process left: segments with so many documents, numbered through. */
async function left(place: Place, ...counts: number[]): Promise<string> {
  const target = await place.open();
  await target.create(TABLE, NEVER);
  let from = 0;
  for (const [segment, count] of counts.entries()) {
    if (count > 0) await write(target, segment, numbers(from, from + count));
    from += count;
  }
  return (await target.find(TABLE, NEVER))!;
}

/** A new process that goes on with so many documents written of each segment. */
async function resumed(place: Place, ...written: number[]): Promise<Target> {
  const target = await place.open();
  const units = written.map((count, segment) => ({ unit: unitOf(segment, written.length), written: count }));
  await target.resume(TABLE, { units, indexes: [] }, NEVER);
  return target;
}

const PART = "orders.0.bson.part";
const whole = Buffer.from(BSON.serialize({ n: 99 }));

describe("a resume", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["documents nobody remembers", Buffer.concat([whole, whole])],
    ["half a document", whole.subarray(0, 7)],
    ["half a length", whole.subarray(0, 2)],
    ["zeros", Buffer.alloc(10_000)],
    ["zeros and a document", Buffer.concat([Buffer.alloc(50), whole])],
    ["garbage", Buffer.from("\xff".repeat(100), "latin1")],
    ["a length of less than nothing", Buffer.from([0xfe, 0xff, 0xff, 0xff, 0, 0, 0])],
  ])("cuts a part off behind what is known to be written: %s", async (_, bytes) => {
    using place = temporaryPlace();
    const made = await left(place, 5, 3);
    appendFileSync(place.path(PART), bytes);
    const target = await resumed(place, 5, 2);
    expect(place.documents(PART)).toEqual(numbers(0, 5));
    expect(place.documents("orders.1.bson.part")).toEqual(numbers(5, 7));
    expect(await target.find(TABLE, NEVER)).toBe(made);
    await write(target, 1, numbers(7, 10));
    await write(target, 2, numbers(10, 11));
    expect(await target.count(TABLE, NEVER)).toBe(11);
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(place.documents("orders.bson")).toEqual(numbers(0, 11));
    expect(await target.find(TABLE, NEVER)).toBe(made);
  });

  test.each<[string, (place: Place) => void, found: number]>([
    ["was cut", (place) => truncateSync(place.path(PART), 30), 1],
    ["has a hole", (place) => writeFileSync(place.path(PART), Buffer.alloc(500)), 0],
    ["is gone", (place) => rmSync(place.path(PART)), 0],
  ])("finds that a part %s", async (_, harm, found) => {
    using place = temporaryPlace();
    await left(place, 5, 1);
    harm(place);
    await expectFailure(
      resumed(place, 4, 1),
      "CHECKPOINT_FAILED",
      "4 documents were written",
      `${found} are there`,
      place.path(PART),
      "--fresh",
    );
  });

  test("removes the parts of no unit, and makes the first one where it is missing", async () => {
    using place = temporaryPlace();
    await left(place, 0, 2, 2);
    rmSync(place.path(PART));
    const target = await resumed(place, 0, 1);
    expect(place.names()).toEqual([PART, "orders.1.bson.part", "orders.uuid.part"]);
    await write(target, 0, numbers(7, 8));
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(place.documents("orders.bson")).toEqual([...numbers(7, 8), ...numbers(0, 1)]);
  });

  test("of a table that only has a schema", async () => {
    using place = temporaryPlace();
    const made = await left(place);
    const target = await resumed(place, 0, 0);
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(place.names()).toEqual(["orders.bson", "orders.metadata.json"]);
    expect(await target.find(TABLE, NEVER)).toBe(made);
  });
});

describe("a count", () => {
  test.each([
    ["part", async (target: Target) => target, PART],
    [
      "finished file",
      async (target: Target) => (await target.index(TABLE, INDEXES, OPTIONS), target),
      "orders.bson",
    ],
  ])("finds that a %s doesn't end with a document", async (_, make, name) => {
    using place = temporaryPlace();
    await left(place, 5);
    const target = await make(await resumed(place, 5));
    expect(await target.count(TABLE, NEVER)).toBe(5);
    appendFileSync(place.path(name), whole.subarray(0, 9));
    await expectFailure(target.count(TABLE, NEVER), "TARGET_FAILED", "behind 5 documents", place.path(name));
  });

  test("is right for documents larger and smaller than what is read at once", async () => {
    using place = temporaryPlace();
    await left(place);
    const MIB = 1024 * 1024;
    const sizes = [
      0,
      5 * MIB,
      10,
      4 * MIB - 40,
      0,
      1,
      16 * MIB - 40,
      ...Array.from({ length: 20_000 }, (_, i) => i % 700),
    ];
    const documents = sizes.map((size) => BSON.serialize({ t: "x".repeat(size) }));
    writeFileSync(place.path(PART), Buffer.concat(documents));
    await using file = await open(place.path(PART));
    const { size } = await file.stat();
    expect(await walk(file, OPTIONS)).toEqual({ documents: sizes.length, end: size, size });
    for (const most of [1, 2, 4, 7, 9_999]) {
      const end = documents.slice(0, most).reduce((sum, each) => sum + each.length, 0);
      expect(await walk(file, { ...OPTIONS, most })).toEqual({ documents: most, end, size });
    }
    const aborted = AbortSignal.abort(new Error("stopped"));
    expect(walk(file, { signal: aborted })).rejects.toThrow("stopped");
    await file.close();
  });
});

describe("a process that died in the last step", () => {
  const COUNTS = [4, 3, 2] as const;
  const parts = [0, 1, 2].map((segment) => `orders.${segment}.bson.part`);
  const append = (place: Place, from: number, bytes?: number): void =>
    appendFileSync(place.path(PART), readFileSync(place.path(parts[from]!)).subarray(0, bytes));
  /** What it had done, step by step. */
  const steps: [what: string, step: (place: Place) => void][] = [
    ["at its beginning", () => {}],
    ["while it appended", (place) => append(place, 1, 50)],
    ["between two parts", (place) => (truncateSync(place.path(PART), sizeOf(COUNTS[0])), append(place, 1))],
    ["when all was appended", (place) => append(place, 2)],
    [
      "while it wrote the metadata",
      (place) => writeFileSync(place.path("orders.metadata.json.part"), '{"ind'),
    ],
    [
      "when the metadata were written",
      (place) => copyFileSync(place.path("finished.json"), place.path("orders.metadata.json.part")),
    ],
    [
      "when they had their name",
      (place) => renameSync(place.path("orders.metadata.json.part"), place.path("orders.metadata.json")),
    ],
    ["when all had its name", (place) => renameSync(place.path(PART), place.path("orders.bson"))],
    ["while it removed parts", (place) => rmSync(place.path(parts[1]!))],
    ["when they were removed", (place) => rmSync(place.path(parts[2]!))],
    ["when all was done", (place) => rmSync(place.path("orders.uuid.part"))],
  ];
  const sizeOf = (count: number): number =>
    numbers(0, count).reduce((sum, each) => sum + BSON.serialize(each).length, 0);

  test.each(steps.map(([what], i) => [what, i] as const))("%s", async (_, last) => {
    using place = temporaryPlace();
    const made = await left(place, ...COUNTS);
    const metadata = JSON.stringify({ uuid: made });
    writeFileSync(place.path("finished.json"), metadata);
    for (const [, step] of steps.slice(0, last + 1)) step(place);
    rmSync(place.path("finished.json"));

    expect(await (await place.open()).find(TABLE, NEVER)).toBe(made);
    const target = await resumed(place, ...COUNTS);
    expect(await target.count(TABLE, NEVER)).toBe(9);
    expect(await target.index(TABLE, INDEXES, OPTIONS)).toBe(2);
    expect(place.names()).toEqual(["orders.bson", "orders.metadata.json"]);
    expect(place.documents("orders.bson")).toEqual(numbers(0, 9));
    expect(await target.count(TABLE, NEVER)).toBe(9);
    expect(await target.find(TABLE, NEVER)).toBe(made);
  });

  test("or was stopped, and does it again itself", async () => {
    using place = temporaryPlace();
    await left(place, ...COUNTS);
    const target = await resumed(place, ...COUNTS);
    const stopping = new AbortController();
    const onProgress = (): void => stopping.abort(new Error("stopped"));
    const stopped = target.index(TABLE, INDEXES, { signal: stopping.signal, onProgress });
    expect(stopped).rejects.toThrow("stopped");
    await stopped.catch(() => {});
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(place.documents("orders.bson")).toEqual(numbers(0, 9));
  });
});

test.each([PART, "orders.1.bson.part"])("the last step finds that %s has become shorter", async (name) => {
  using place = temporaryPlace();
  await left(place, 3, 3);
  const target = await resumed(place, 3, 3);
  truncateSync(place.path(name), 10);
  await expectFailure(target.index(TABLE, INDEXES, OPTIONS), "TARGET_FAILED", "shorter", place.path(name));
  expect(place.names()).not.toContain("orders.bson");
});

describe("a process that died while it made room", () => {
  const files = ["orders.bson", "orders.metadata.json"];
  /** An old table, finished. */
  async function old(place: Place): Promise<string> {
    const made = await left(place, 3);
    await (await resumed(place, 3)).index(TABLE, INDEXES, OPTIONS);
    return made;
  }

  test.each<[string, "rename" | "drop", (place: Place) => void, there: boolean]>([
    ["before it renamed", "rename", () => {}, true],
    [
      "when the metadata were copied",
      "rename",
      (place) => copyFileSync(place.path(files[1]!), place.path("x.metadata.json")),
      true,
    ],
    [
      "when the documents were renamed",
      "rename",
      (place) => renameSync(place.path(files[0]!), place.path("x.bson")),
      false,
    ],
    ["when the documents were dropped", "drop", (place) => rmSync(place.path(files[0]!)), false],
  ])("%s", async (_, exist, step, there) => {
    using place = temporaryPlace();
    const before = await old(place);
    step(place);
    const target = await place.open({ "target.db.exist": exist });
    // What is still the old one will be moved again; nothing there: it is gone, and the place can be made.
    expect(await target.find(TABLE, NEVER)).toBe(there ? before : undefined);
    if (there) await target.makeRoom(TABLE, NEVER);
    await target.create(TABLE, NEVER);
    expect(place.names().filter((name) => files.includes(name))).toEqual([]);
    expect(await target.find(TABLE, NEVER)).not.toBe(before);
    const kept = place.names().filter((name) => name.endsWith(".bson"));
    expect(kept.map((name) => place.documents(name))).toEqual(exist === "rename" ? [numbers(0, 3)] : []);
  });

  test("of parts: they are the same until the last is gone", async () => {
    using place = temporaryPlace();
    const before = await left(place, 2, 2, 2);
    const target = await place.open({ "target.db.exist": "drop" });
    for (const part of ["orders.1.bson.part", PART, "orders.2.bson.part"]) {
      expect(await target.find(TABLE, NEVER)).toBe(before);
      rmSync(place.path(part));
    }
    expect(await target.find(TABLE, NEVER)).toBeUndefined();
    await target.create(TABLE, NEVER);
    expect(await target.find(TABLE, NEVER)).not.toBe(before);
  });

  test("or a place: it is made anew", async () => {
    using place = temporaryPlace();
    await left(place);
    writeFileSync(place.path("orders.uuid.part"), "12");
    rmSync(place.path(PART));
    const target = await place.open();
    expect(await target.find(TABLE, NEVER)).toBeUndefined();
    await target.create(TABLE, NEVER);
    expect(await target.find(TABLE, NEVER)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("nothing is lost and nothing doubled", () => {
  test("whatever is left of what wasn't acknowledged, again and again", async () => {
    const tail = fc.oneof(
      fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ zeros: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    const round = fc.record({
      batches: fc.array(fc.record({ segment: fc.nat(2), count: fc.integer({ min: 1, max: 9 }) }), {
        maxLength: 8,
      }),
      /** Of the batches' documents, the share that the checkpoint knows. */
      known: fc.double({ min: 0, max: 1, noNaN: true }),
      tail,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 4 }), async (rounds) => {
        using place = temporaryPlace();
        const made = await left(place);
        /** By segment how many are known to be written, and there. */
        const known = [0, 0, 0];
        for (const { batches, known: share, tail } of rounds) {
          const target = await resumed(place, ...known);
          const next = [...known];
          const writing = batches.map(({ segment, count }) => {
            const from = segment * 1000 + next[segment]!;
            next[segment]! += count;
            return target.writeEncoded!(encoded(unitOf(segment), numbers(from, from + count)), NEVER);
          });
          await Promise.all(writing);
          for (const [segment, count] of next.entries()) {
            known[segment] = known[segment]! + Math.floor((count - known[segment]!) * share);
            tear(place.path(`orders.${segment}.bson.part`), sizeUpTo(segment, known[segment]!), tail);
          }
        }
        const target = await resumed(place, ...known);
        const expected = known.flatMap((count, segment) => numbers(segment * 1000, segment * 1000 + count));
        expect(await target.count(TABLE, NEVER)).toBe(expected.length);
        await target.index(TABLE, INDEXES, OPTIONS);
        expect(place.documents("orders.bson")).toEqual(expected);
        expect(await target.find(TABLE, NEVER)).toBe(made);
      }),
      { numRuns: 60 },
    );
  });

  /** Of the bytes behind those that are safe, keeps a share, or makes a share zeros. */
  function tear(path: string, safe: number, tail: { keep: number } | { zeros: number }): void {
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    const from = (share: number): number => safe + Math.floor((bytes.length - safe) * share);
    if ("keep" in tail) truncateSync(path, from(tail.keep));
    else writeFileSync(path, bytes.fill(0, from(tail.zeros)));
  }

  function sizeUpTo(segment: number, count: number): number {
    return numbers(segment * 1000, segment * 1000 + count).reduce(
      (sum, each) => sum + BSON.serialize(each).length,
      0,
    );
  }

  test("by kill -9, until it is through", async () => {
    using place = temporaryPlace();
    const states = join(place.root, "states");
    const made = new Set<string>();
    let kills = 0;
    for (let longer = 0; ; longer++) {
      const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "child.ts"), place.dump, states], {
        stdout: "pipe",
        stderr: "inherit",
      });
      let printed = "";
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const bytes of child.stdout) printed += decoder.decode(bytes, { stream: true });
      })();
      try {
        while (!printed.includes("\n") && child.exitCode === null) await Bun.sleep(1);
        await Promise.race([child.exited, Bun.sleep(Math.random() * 10 * (longer + 1))]);
      } finally {
        child.kill("SIGKILL");
        await child.exited;
      }
      await reading;
      expect(child.exitCode ?? 0).toBe(0);
      made.add(/^made (\w+)$/m.exec(printed)![1]!);
      if (printed.includes("done")) break;
      kills++;
    }
    if (process.env["NIMO_TEST_FIGURES"]) console.log(`${kills} kills`);
    expect(kills).toBeGreaterThan(1);
    expect(made.size).toBe(1);
    expect(place.names()).toEqual(["orders.bson", "orders.metadata.json"]);
    const found = place.documents("orders.bson").map(({ n }) => n);
    expect(found).toEqual(Array.from({ length: SEGMENTS * DOCUMENTS }, (_, n) => n));
  });
});
