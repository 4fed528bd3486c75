/** The target `file`, from an empty folder to a finished dump. */
import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { BSON } from "mongodb";
import { MigrationError } from "../../../core/errors.ts";
import type { Table, TargetIndex } from "../../../core/types.ts";
import { fileError } from "../../../plugins/target/file/disk.ts";
import { testTable } from "../../fakes/context.ts";
import { expectFailure } from "../checkpoint/open.ts";
import {
  begun,
  encoded,
  finished,
  INDEXES,
  NEVER,
  numbers,
  type Place,
  recordsOf,
  TABLE,
  temporaryPlace,
  unitOf,
  write,
} from "./file/place.ts";

setDefaultTimeout(180_000);

const FINISHED = ["orders.bson", "orders.metadata.json"];
const OPTIONS = { signal: NEVER };

describe("a table", () => {
  test("is parts while it is copied, and one file in the order of the segments then", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    expect(target.place).toBe(`folder ${place.folder}`);
    const result = await target.write({ unit: unitOf(10), records: recordsOf(numbers(6, 9)) }, NEVER);
    expect(result).toMatchObject({ inserted: 3, replaced: 0, deleted: 0, duplicates: 0 });
    expect(await target.writeEncoded!(encoded(unitOf(2), numbers(3, 6)), NEVER)).toMatchObject({
      inserted: 3,
    });
    await write(target, 0, numbers(0, 2));
    await write(target, 0, numbers(2, 3));
    expect(place.names()).toEqual([
      "orders.0.bson.part",
      "orders.10.bson.part",
      "orders.2.bson.part",
      "orders.uuid.part",
    ]);
    expect(place.documents("orders.2.bson.part")).toEqual(numbers(3, 6));
    expect(await target.count(TABLE, NEVER)).toBe(9);

    const shares: number[] = [];
    expect(
      await target.index(TABLE, INDEXES, { ...OPTIONS, onProgress: (share) => shares.push(share) }),
    ).toBe(2);
    expect(shares).toEqual([0.5, 1, 1]);
    expect(place.names()).toEqual(FINISHED);
    expect(place.documents("orders.bson")).toEqual(numbers(0, 9));
    expect(await target.count(TABLE, NEVER)).toBe(9);
    await target.close!();
    await target.close!();
  });

  test("without items is an empty file", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    expect(await target.count(TABLE, NEVER)).toBe(0);
    expect(await target.index(TABLE, INDEXES, OPTIONS)).toBe(2);
    expect(place.names()).toEqual(FINISHED);
    expect(readFileSync(place.path("orders.bson"))).toHaveLength(0);
    expect(await target.count(TABLE, NEVER)).toBe(0);
  });

  test("has metadata as mongodump writes them, whatever the names", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    const fields = ["2", "1", "__proto__", 'quo"te'].map((path) => ({ path, kind: "ascending" as const }));
    await target.index(TABLE, [{ fields, unique: true, origin: "primary" }, INDEXES[1]!], OPTIONS);
    const text = readFileSync(place.path("orders.metadata.json"), "utf8");
    const one = '{"$numberInt":"1"}';
    const v = '"v":{"$numberInt":"2"}';
    expect(text.replace(/"uuid":"[0-9a-f]{32}"/, '"uuid":""')).toBe(
      `{"indexes":[{${v},"key":{"_id":${one}},"name":"_id_"},` +
        `{${v},"unique":true,"key":{"2":${one},"1":${one},"__proto__":${one},"quo\\"te":${one}},"name":"2_1_1_1___proto___1_quo\\"te_1"},` +
        `{${v},"key":{"pk":"hashed"},"name":"pk_hashed"}],` +
        '"uuid":"","collectionName":"orders","type":"collection","options":{}}',
    );
  });

  test("has no index that its documents can't have, which a restore would fail at", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    const user = (...fields: [path: string, kind?: "hashed"][]): TargetIndex => ({
      fields: fields.map(([path, kind]) => ({ path, kind: kind ?? ("ascending" as const) })),
      unique: false,
      origin: "user",
    });
    const users = [
      user(["h", "hashed"]),
      user(["g", "hashed"], ["f"]),
      user(["h"], ["f"]),
      user(["f"], ["h"], ["n"]),
      user(["n", "hashed"]),
      user(["h"]),
    ];
    await write(target, 0, numbers(0, 3));
    await write(target, 2, [
      { n: 3, h: ["a"], text: "x".repeat(9_000_000) },
      { n: 4, g: ["a"], f: ["b"], deep: { n: ["no"] } },
    ]);
    expect(await target.index(TABLE, [...INDEXES, ...users], OPTIONS)).toBe(6);
    const { indexes } = JSON.parse(readFileSync(place.path("orders.metadata.json"), "utf8")) as {
      indexes: { name: string }[];
    };
    const names = ["_id_", "pk_1_sk_1", "pk_hashed", "h_1", "h_1_f_1", "f_1_h_1_n_1", "n_hashed"];
    expect(indexes.map(({ name }) => name)).toEqual(names);
  });

  test("whose name no file takes is escaped", async () => {
    using place = temporaryPlace();
    const table: Table = { ...TABLE, targetName: "ä/b %.c:d" };
    const target = await place.open();
    await target.create(table, NEVER);
    await target.index(table, [], OPTIONS);
    const [name] = place.names() as [string];
    expect(name).toBe("%C3%A4%2Fb%20%25.c%3Ad.bson");
    expect(decodeURIComponent(name)).toBe("ä/b %.c:d.bson");
  });

  test("gets an _id in every document that has none", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    await write(target, 0, [{ n: 1 }, { _id: "own" }]);
    const [first, second] = place.documents("orders.0.bson.part");
    expect(Object.keys(first!)).toEqual(["_id", "n"]);
    expect(first!["_id"]).toBeInstanceOf(BSON.ObjectId);
    expect(second).toEqual({ _id: "own" });
  });

  test("doesn't take its neighbours' files for its own", async () => {
    using place = temporaryPlace();
    const names = ["t", "t.0", "t.0.bson", "t.uuid", "t.metadata", "T1"];
    const tables = names.map((name) => testTable("pk", undefined, { name, targetName: name }));
    const target = await place.open();
    await target.check(tables, NEVER);
    for (const table of tables) await target.create(table, NEVER);
    await Promise.all(
      tables.flatMap((table) =>
        [0, 1].map((segment) =>
          target.writeEncoded!(
            encoded(unitOf(segment, 2, table), [{ _id: `${table.name} ${segment}` }]),
            NEVER,
          ),
        ),
      ),
    );
    for (const table of tables) await target.index(table, [], OPTIONS);
    for (const name of names) {
      expect(place.documents(`${name}.bson`)).toEqual([{ _id: `${name} 0` }, { _id: `${name} 1` }]);
    }
    expect(place.names()).toHaveLength(2 * names.length);
  });
});

describe("writes", () => {
  test("keep the order of the calls, share syncs and leave no file open", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    await using handle = await open(place.path("orders.0.bson.part"));
    const datasync = spyOn(Object.getPrototypeOf(handle) as typeof handle, "datasync");
    try {
      const batches = 200;
      const writing = Array.from({ length: batches }, (_, i) => {
        const documents = numbers(i * 10, i * 10 + 10).map((each) => ({
          ...each,
          text: "x".repeat((i * 997) % 3000),
        }));
        return i % 2 === 0
          ? write(target, 0, documents)
          : target.writeEncoded!(encoded(unitOf(0), documents), NEVER);
      });
      await Promise.all(writing);
      const found = place.documents("orders.0.bson.part").map(({ n }) => n);
      expect(found).toEqual(Array.from({ length: batches * 10 }, (_, n) => n));
      expect(datasync.mock.calls.length).toBeGreaterThan(0);
      expect(datasync.mock.calls.length).toBeLessThan(batches / 2);
    } finally {
      datasync.mockRestore();
    }
    await handle.close();
    expect(openFiles(place)).toEqual([]);
  });

  test("are acknowledged after a sync that began when they were written", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    await using handle = await open(place.path("orders.0.bson.part"));
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    const { datasync } = prototype;
    let synced = 0;
    const spy = spyOn(prototype, "datasync").mockImplementation(async function (this: typeof handle) {
      // What is written by now, and no more, is safe at its end.
      const { size } = await this.stat();
      await Bun.sleep(Math.random() * 5);
      await datasync.call(this);
      synced = Math.max(synced, size);
    });
    try {
      let end = 0;
      const writing: Promise<unknown>[] = [];
      for (let i = 0; i < 100; i++) {
        const batch = encoded(unitOf(0), numbers(i, i + 1));
        const mine = (end += batch.bytes.length);
        writing.push(
          target.writeEncoded!(batch, NEVER).then(() => expect(synced).toBeGreaterThanOrEqual(mine)),
        );
        if (i % 7 === 0) await Bun.sleep(1);
      }
      await Promise.all(writing);
    } finally {
      spy.mockRestore();
    }
  });

  test.each([
    ["over 16 MiB", { n: 1, text: "x".repeat(16 * 1024 * 1024) }, "16 MiB"],
    ["with a NUL in a name", { n: 1, "a\0b": 1 }, "NUL"],
  ])("refuse a document %s", async (_, document, says) => {
    using place = temporaryPlace();
    const target = await begun(place);
    await expectFailure(
      write(target, 0, [...numbers(0, 1), document]),
      "DATA_UNFIT",
      says,
      "table orders",
      '{"pk":{"S":"1"}}',
    );
    await write(target, 0, numbers(0, 2));
    expect(await target.count(TABLE, NEVER)).toBe(2);
  });

  test.skipIf(!existsSync("/dev/full"))("to a full disk fail, and so does all that follows", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    const path = place.path("orders.0.bson.part");
    rmSync(path);
    symlinkSync("/dev/full", path);
    const full = ["TARGET_FAILED", "the disk is full", path, "make room"] as const;
    const writing = [0, 1, 2].map((i) => write(target, 0, numbers(i, i + 1)));
    await Promise.allSettled(writing);
    for (const each of writing) await expectFailure(each, ...full);
    rmSync(path);
    writeFileSync(path, "");
    await expectFailure(write(target, 0, numbers(3, 4)), ...full);
    await expectFailure(target.index(TABLE, INDEXES, OPTIONS), ...full);
    await target.close!();
    expect(place.names()).toEqual(["orders.0.bson.part", "orders.uuid.part"]);
  });
});

/** The files of a place that this process has open. */
function openFiles({ root }: Place): string[] {
  if (!existsSync("/proc/self/fd")) return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(root) ? [path] : [];
    } catch {
      return [];
    }
  });
}

describe("what is found", () => {
  test("stays the same from the first part to the finished file", async () => {
    using place = temporaryPlace();
    const target = await place.open();
    expect(await target.find(TABLE, NEVER)).toBeUndefined();
    await target.create(TABLE, NEVER);
    const made = await target.find(TABLE, NEVER);
    expect(made).toMatch(/^[0-9a-f]{32}$/);
    await write(target, 1, numbers(0, 3));
    expect(await target.find(TABLE, NEVER)).toBe(made);
    await target.index(TABLE, INDEXES, OPTIONS);
    expect(await (await place.open()).find(TABLE, NEVER)).toBe(made);
    expect(readFileSync(place.path("orders.metadata.json"), "utf8")).toContain(`"uuid":"${made}"`);
  });

  test("is another one after it was made anew, and nothing once it is gone", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    const first = await target.find(TABLE, NEVER);
    await target.create(TABLE, NEVER);
    const second = await target.find(TABLE, NEVER);
    expect(second).not.toBe(first);
    await target.index(TABLE, INDEXES, OPTIONS);
    rmSync(place.path("orders.bson"));
    expect(await target.find(TABLE, NEVER)).toBeUndefined();
  });

  test.each([[undefined], ["no JSON"], ["null"], ['{"indexes":[]}']])(
    "tells others' files apart too, with %p for metadata",
    async (metadata) => {
      using place = temporaryPlace();
      mkdirSync(place.folder, { recursive: true });
      if (metadata !== undefined) writeFileSync(place.path("orders.metadata.json"), metadata);
      const target = await place.open();
      expect(await target.find(TABLE, NEVER)).toBeUndefined();
      writeFileSync(place.path("orders.bson"), "");
      const found = await target.find(TABLE, NEVER);
      expect(found).toMatch(/^file /);
      expect(await target.find(TABLE, NEVER)).toBe(found);
      writeFileSync(place.path("orders.bson"), "other");
      expect(await target.find(TABLE, NEVER)).not.toBe(found);
    },
  );
});

describe("making room", () => {
  test("by drop removes a table, finished or not, and no other", async () => {
    using place = temporaryPlace();
    const target = await place.open({ "target.db.exist": "drop" });
    await finished(place);
    writeFileSync(place.path("orders2.bson"), "");
    await target.makeRoom(TABLE, NEVER);
    expect(place.names()).toEqual(["orders2.bson"]);
    await begun(place);
    await target.makeRoom(TABLE, NEVER);
    await target.makeRoom(TABLE, NEVER);
    expect(place.names()).toEqual(["orders2.bson"]);
  });

  test("by rename keeps a finished table, with its metadata", async () => {
    using place = temporaryPlace();
    await finished(place);
    const target = await place.open({ "target.db.exist": "rename" });
    const metadata = readFileSync(place.path("orders.metadata.json"), "utf8");
    await target.makeRoom(TABLE, NEVER);
    const [bson, kept] = place.names() as [string, string];
    expect(bson).toMatch(/^orders\.\d{4}-\d\d-\d\dZ\d\d%3A\d\d%3A\d\d\.bson$/);
    expect(kept).toBe(bson.replace(/bson$/, "metadata.json"));
    expect(place.documents(bson)).toEqual(numbers(0, 3));
    expect(readFileSync(place.path(kept), "utf8")).toBe(metadata);
    await target.create(TABLE, NEVER);
    await target.makeRoom(TABLE, NEVER);
    expect(place.names()).toEqual([bson, kept]);
    // Of the same second.
    await finished(place);
    await expectFailure(target.makeRoom(TABLE, NEVER), "TARGET_EXISTS", bson);
    expect(place.names()).toEqual([bson, kept, ...FINISHED]);
  });

  test("isn't done by create: documents stay", async () => {
    using place = temporaryPlace();
    await finished(place);
    const target = await place.open();
    await expectFailure(target.create(TABLE, NEVER), "TARGET_EXISTS", "orders.bson");
    expect(place.documents("orders.bson")).toEqual(numbers(0, 3));
    rmSync(place.path("orders.bson"));
    await target.create(TABLE, NEVER);
    await write(target, 1, numbers(0, 1));
    await expectFailure((await place.open()).create(TABLE, NEVER), "TARGET_EXISTS", "orders.1.bson.part");
    expect(place.documents("orders.1.bson.part")).toEqual(numbers(0, 1));
  });

  test("isn't done by the last step", async () => {
    using place = temporaryPlace();
    const target = await begun(place);
    writeFileSync(place.path("orders.bson"), "theirs");
    await expectFailure(target.index(TABLE, INDEXES, OPTIONS), "TARGET_EXISTS", "orders.bson");
    expect(readFileSync(place.path("orders.bson"), "utf8")).toBe("theirs");
  });
});

describe("the check", () => {
  test("makes nothing", async () => {
    using place = temporaryPlace();
    await (await place.open()).check([TABLE], NEVER);
    expect(readdirSync(place.root)).toEqual([]);
  });

  test.each([
    ["in the folder's place", "a/dump"],
    ["above it", "a"],
  ])("refuses a file %s", async (_, at) => {
    using place = temporaryPlace();
    mkdirSync(join(place.root, at, ".."), { recursive: true });
    writeFileSync(join(place.root, at), "");
    await expectFailure(
      (await place.open()).check([], NEVER),
      "TARGET_UNREACHABLE",
      place.folder,
      "target.address is a folder",
    );
  });

  test.each([
    ["EACCES", "TARGET_DENIED", "can be written to"],
    ["EROFS", "TARGET_DENIED", "can be written to"],
    ["ENOSPC", "TARGET_FAILED", "the disk is full"],
    ["EIO", "TARGET_FAILED", "EIO"],
  ])("%s is %s", async (code, expected, says) => {
    const error = fileError(Object.assign(new Error(code), { code }), "writing to x");
    await expectFailure(Promise.reject(error), expected, says, "writing to x");
    expect(fileError(error, "again")).toBe(error as MigrationError);
  });
});
