/** What every checkpoint must do, whatever keeps the states. */
import { describe, expect, test } from "bun:test";
import type { Plugin } from "../../../core/plugin.ts";
import type { Checkpoint } from "../../../core/roles.ts";
import { openCheckpoint, type Opened } from "./open.ts";

/** Somewhere that nobody else uses, empty at first and gone at the end. */
export interface Place extends AsyncDisposable {
  /** The configuration's keys that lead there. */
  settings: Record<string, string>;
}

const NAMES = [
  "run",
  "full:orders",
  "full:Orders",
  "",
  ".",
  "../x",
  "a/b\\c",
  "a.b",
  "$x",
  "__proto__",
  "Zürich 北京 🦤",
  "nul\0nul",
  `long ${"x".repeat(300)}`,
  `long ${"x".repeat(299)}y`,
];

const STATES: [what: string, state: unknown][] = [
  ["a text", "x"],
  ["an empty text", ""],
  ["null", null],
  ["false", false],
  ["numbers", [0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER]],
  ["no member", {}],
  ["no element", []],
  [
    "a position",
    { pk: { S: 'line\nbreak "quoted" \\ \u2028' }, sk: { N: "12345678901234567890123456789012345678" } },
  ],
  [
    "names that mean something to MongoDB",
    { $x: 1, "a.b": { $set: { "": 2 } }, _id: 3, _bsontype: "ObjectId" },
  ],
  [
    "names that mean something to JavaScript",
    JSON.parse('{"__proto__":{"S":"x"},"constructor":1,"toJSON":2}'),
  ],
  ["a name and a text of every script", { "ключ 🗝": "\u0000\uffff 👩‍👩‍👧 ﷽" }],
  ["a hundred levels", JSON.parse('{"a":'.repeat(100) + "1" + "}".repeat(100))],
];

/** The contract's tests over places that the plugin keeps states at. */
export function checkpointContract(plugin: Plugin, makePlace: () => Promise<Place>): void {
  /** Two instances at one place never meet: the second sees what the first has left. */
  async function leaves<T>(
    place: Place,
    work: (checkpoint: Checkpoint, opened: Opened) => Promise<T>,
    id?: string,
  ): Promise<T> {
    await using opened = await openCheckpoint(plugin, place.settings, id === undefined ? {} : { id });
    return await work(opened.checkpoint, opened);
  }
  const loaded = (place: Place, name: string, id?: string): Promise<unknown[]> =>
    leaves(place, async (checkpoint) => [...(await checkpoint.load(name))].sort(byPart), id);

  describe("the contract", () => {
    test("what was never saved is empty", async () => {
      await using place = await makePlace();
      expect(await loaded(place, "run")).toEqual([]);
      await leaves(place, async (checkpoint) => {
        await checkpoint.save("run", new Map());
        await checkpoint.clear("run");
        expect((await checkpoint.load("run")).size).toBe(0);
        expect(checkpoint.place).toMatch(/^\w+ .*states/);
      });
    });

    test("states come back as they were, from this instance and the next", async () => {
      await using place = await makePlace();
      const saved = new Map(STATES);
      await leaves(place, async (checkpoint) => {
        await checkpoint.save("full:t", saved);
        expect([...(await checkpoint.load("full:t"))].sort(byPart)).toEqual([...saved].sort(byPart));
      });
      const again = await loaded(place, "full:t");
      expect(again).toEqual([...saved].sort(byPart));
      const names = (again as [string, object][]).find(([part]) => part.endsWith("JavaScript"))![1];
      expect(Object.keys(names)).toEqual(["__proto__", "constructor", "toJSON"]);
    });

    test("a name can be anything, and so can a part", async () => {
      await using place = await makePlace();
      await leaves(place, async (checkpoint) => {
        for (const name of NAMES)
          await checkpoint.save(name, new Map(NAMES.map((part) => [part, [name, part]])));
      });
      for (const name of NAMES) {
        const expected = NAMES.map((part) => [part, [name, part]] as [string, unknown]).sort(byPart);
        expect(await loaded(place, name)).toEqual(expected);
      }
    });

    test("a save replaces the parts it has and keeps the others", async () => {
      await using place = await makePlace();
      await leaves(place, async (checkpoint) => {
        await checkpoint.save(
          "t",
          new Map<string, unknown>([
            ["0", { a: 1, b: 2 }],
            ["1", 1],
          ]),
        );
        await checkpoint.save("t", new Map([["1", 2]]));
        await checkpoint.save("t", new Map([["0", { b: 3 }]]));
      });
      // without a load before it
      await leaves(place, (checkpoint) => checkpoint.save("t", new Map([["2", 3]])));
      expect(await loaded(place, "t")).toEqual([
        ["0", { b: 3 }],
        ["1", 2],
        ["2", 3],
      ]);
    });

    test("a state is saved as it was when it was given", async () => {
      await using place = await makePlace();
      await leaves(place, async (checkpoint) => {
        const state = { n: 1 };
        const parts = new Map([["0", state]]);
        const saving = [checkpoint.save("t", parts), checkpoint.save("t", new Map([["1", state]]))];
        state.n = 2;
        parts.clear();
        await Promise.all(saving);
        const found = await checkpoint.load("t");
        (found.get("0") as { n: number }).n = 3;
        found.delete("1");
      });
      expect(await loaded(place, "t")).toEqual([
        ["0", { n: 1 }],
        ["1", { n: 1 }],
      ]);
    });

    test("clear forgets a name, not the others; it can be saved to again", async () => {
      await using place = await makePlace();
      const states = new Map([
        ["0", 1],
        ["1", 2],
      ]);
      await leaves(place, async (checkpoint) => {
        for (const name of ["t", "T", "t1", "t:"]) await checkpoint.save(name, states);
        await checkpoint.clear("t");
        expect((await checkpoint.load("t")).size).toBe(0);
      });
      expect(await loaded(place, "t")).toEqual([]);
      for (const name of ["T", "t1", "t:"]) expect(await loaded(place, name)).toHaveLength(2);
      await leaves(place, (checkpoint) => checkpoint.clear("T")); // without a load before it
      expect(await loaded(place, "T")).toEqual([]);
      await leaves(place, (checkpoint) => checkpoint.save("t", new Map([["2", 3]])));
      expect(await loaded(place, "t")).toEqual([["2", 3]]);
    });

    test("two migrations at one place don't see each other", async () => {
      await using place = await makePlace();
      const ids = ["one", "two", "on", "one-1"];
      for (const id of ids) {
        await leaves(place, (checkpoint) => checkpoint.save("run", new Map([["run", id]])), id);
      }
      await leaves(place, (checkpoint) => checkpoint.clear("run"), "two");
      for (const id of ids) expect(await loaded(place, "run", id)).toEqual(id === "two" ? [] : [["run", id]]);
    });

    test("of saves that overlap, the last one counts", async () => {
      await using place = await makePlace();
      const rounds = 200;
      await leaves(place, async (checkpoint) => {
        const saving: Promise<void>[] = [];
        for (let n = 1; n <= rounds; n++) {
          saving.push(
            checkpoint.save(
              "t",
              new Map<string, unknown>([
                ["all", n],
                [`own ${n % 20}`, n],
              ]),
            ),
          );
          saving.push(checkpoint.save("u", new Map([["all", -n]])));
          if (n % 50 === 0) await Promise.race(saving);
        }
        await Promise.all(saving);
      });
      const own = Array.from({ length: 20 }, (_, i): [string, unknown] => [
        `own ${i}`,
        i === 0 ? rounds : rounds - 20 + i,
      ]);
      expect(await loaded(place, "t")).toEqual([["all", rounds], ...own].sort(byPart as never));
      expect(await loaded(place, "u")).toEqual([["all", -rounds]]);
    });

    test("saves, loads and clears of a name happen in the order of their calls", async () => {
      await using place = await makePlace();
      await leaves(place, async (checkpoint) => {
        const [, first, , , second] = await Promise.all([
          checkpoint.save("t", new Map([["0", 1]])),
          checkpoint.load("t"),
          checkpoint.clear("t"),
          checkpoint.save("t", new Map([["1", 2]])),
          checkpoint.load("t"),
        ]);
        expect([...(first as Map<string, unknown>)]).toEqual([["0", 1]]);
        expect([...(second as Map<string, unknown>)]).toEqual([["1", 2]]);
      });
      expect(await loaded(place, "t")).toEqual([["1", 2]]);
    });

    test("many parts", async () => {
      await using place = await makePlace();
      const many = 8192;
      const position = { pk: { S: "x".repeat(100) } };
      await leaves(place, async (checkpoint) => {
        await checkpoint.save(
          "t",
          new Map(Array.from({ length: many }, (_, n) => [String(n), { n, position }])),
        );
        await checkpoint.save("t", new Map([["5", { n: -1 }]]));
      });
      const found = await loaded(place, "t");
      expect(found).toHaveLength(many);
      expect(found).toContainEqual(["5", { n: -1 }]);
      expect(found).toContainEqual(["8191", { n: 8191, position }]);
    });

    test("a run that is to stop can still save and load", async () => {
      await using place = await makePlace();
      await leaves(place, async (checkpoint, { ctx }) => {
        await checkpoint.save("t", new Map([["0", 1]]));
        ctx.stop(new Error("enough"));
        await checkpoint.save("t", new Map([["0", 2]]));
        expect([...(await checkpoint.load("t"))]).toEqual([["0", 2]]);
      });
      // as does one that was stopped before its first call
      await leaves(place, async (checkpoint, { ctx }) => {
        ctx.stop(new Error("enough"));
        await checkpoint.save("t", new Map([["1", 3]]));
      });
      expect(await loaded(place, "t")).toEqual([
        ["0", 2],
        ["1", 3],
      ]);
    });

    test("it can be closed twice, used or not", async () => {
      await using place = await makePlace();
      for (const used of [false, true]) {
        await leaves(place, async (checkpoint) => {
          if (used) await checkpoint.save("t", new Map([["0", 1]]));
          await checkpoint.close?.();
          await checkpoint.close?.();
        });
      }
    });
  });
}

function byPart(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
