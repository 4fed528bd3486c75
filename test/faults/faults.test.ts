/** The fault suite's own parts: draws are the same for the same seed, and what is lost, stale or doubled is found. */
import { describe, expect, test } from "bun:test";
import { Binary, Decimal128, Double, Int32, Long, ObjectId } from "mongodb";
import { drawItem, drawRequest, keyAt, type Lane, SHAPES, type TableShape } from "./changes.ts";
import { readCommandLine } from "./command-line.ts";
import { compare, type Entry } from "./compare.ts";
import { expectedEntry, foundDocument, foundItem } from "./expected.ts";
import { createModel, type Model } from "./model.ts";
import { configurationOf, drawPlan, FULL } from "./plan.ts";
import { createRandom } from "./random.ts";
import type { Fault, World } from "./world.ts";

const world: World = {
  name: "none",
  targets: ["mongodb", "file", "aliyun_dynamo_proxy"],
  open: () => Promise.reject(new Error("nothing is played here")),
};

describe("draws", () => {
  test("are the same for the same seed and concern, and others for another", () => {
    const some = (seed: number, concern: string): number[] => {
      const random = createRandom(seed, concern);
      return Array.from({ length: 50 }, () => random.below(1000));
    };
    expect(some(7, "writer 1")).toEqual(some(7, "writer 1"));
    expect(some(7, "writer 1")).not.toEqual(some(7, "writer 2"));
    expect(some(7, "writer 1")).not.toEqual(some(8, "writer 1"));
  });

  test("are spread over all that may be drawn, and over nothing else", () => {
    const random = createRandom(1, "spread");
    const counts = new Map<number, number>();
    for (let i = 0; i < 6000; i++) {
      const drawn = random.between(3, 8);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([3, 4, 5, 6, 7, 8]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(random.shuffled([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
  });

  /** Faults that note nothing but what they have drawn. */
  const faults = ["kill", "stop", "cut", "slow", "late"].map((name, i): Fault => ({
    name,
    process: i < 2,
    draw: (random) => ({ what: `${name} ${random.below(1e6)}`, happen: () => Promise.resolve() }),
  }));

  test("make the same schedule of a seed, with one fault at most at a time that takes hold of the process", () => {
    const shown = (seed: number): unknown => {
      const { steps, ending } = drawPlan(seed, faults, FULL);
      const told = steps.map(({ afterMs, happenings }) => [afterMs, happenings.map(({ what }) => what)]);
      return { ending, told, configuration: configurationOf(seed, world, {}) };
    };
    expect(shown(11)).toEqual(shown(11));
    expect(shown(11)).not.toEqual(shown(12));
    for (let seed = 0; seed < 50; seed++) {
      const { steps } = drawPlan(seed, faults, FULL);
      expect(steps.length).toBeWithin(FULL.steps[0], FULL.steps[1] + 1);
      for (const { happenings } of steps) {
        const names = happenings.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names.filter((name) => name === "kill" || name === "stop").length).toBeLessThan(2);
      }
    }
  });

  test("what is wanted takes the place of what is drawn, and changes nothing else", () => {
    for (let seed = 0; seed < 20; seed++) {
      const drawn = configurationOf(seed, world, {});
      expect(configurationOf(seed, world, { checkpoint: "file" })).toEqual({ ...drawn, checkpoint: "file" });
    }
    expect(configurationOf(3, world, { target: "aliyun_dynamo_proxy" }).convert).toBe("same");
  });
});

describe("the writer's changes", () => {
  function lane(model: Model, number = 1): Lane {
    let made = 0;
    return {
      random: createRandom(5, `writer ${number}`),
      number,
      lanes: 4,
      tables: SHAPES,
      has: (table, key) => model.has(table, key),
      revision: () => ++made,
    };
  }

  test("are the same for the same seed, of all kinds, and of no other lane's keys", () => {
    const run = (number: number): { text: string; keys: Set<string>; kinds: Set<string> } => {
      const model = createModel();
      const drawing = lane(model, number);
      const keys = new Set<string>();
      const kinds = new Set<string>();
      let text = "";
      for (let i = 0; i < 600; i++) {
        const request = drawRequest(drawing);
        text += JSON.stringify(request);
        const own = new Set<string>();
        for (const change of request.changes) {
          const key = JSON.stringify([change.table.name, drawnKey(change)]);
          expect(own.has(key)).toBe(false);
          own.add(key);
          keys.add(key);
          kinds.add(`${request.how} ${change.do}`);
          model.apply(change);
        }
      }
      return { text, keys, kinds };
    };
    const one = run(1);
    expect(run(1).text).toBe(one.text);
    expect(one.kinds).toEqual(
      new Set(
        ["single", "transaction"]
          .flatMap((how) => [`${how} put`, `${how} update`, `${how} delete`])
          .concat("batch put", "batch delete"),
      ),
    );
    expect([...run(2).keys].filter((key) => one.keys.has(key))).toEqual([]);
  });

  function drawnKey(change: ReturnType<typeof drawRequest>["changes"][number]): unknown {
    const of = change.do === "put" ? change.item : change.key;
    return change.table.keys.map(([name]) => of[name]);
  }

  test("leave in the model what they leave at a source", () => {
    const [table] = SHAPES as readonly [TableShape];
    const model = createModel();
    const key = keyAt(table, 1);
    model.apply({ do: "update", table, key, set: { a: { N: "1" }, b: { S: "x" } }, remove: [] });
    expect(model.items(table)).toEqual([{ ...key, a: { N: "1" }, b: { S: "x" } }]);
    model.apply({ do: "update", table, key, set: { a: { N: "2" } }, remove: ["b"] });
    expect(model.items(table)).toEqual([{ ...key, a: { N: "2" } }]);
    model.apply({ do: "put", table, item: { ...key, c: { NULL: true } } });
    expect(model.items(table)).toEqual([{ ...key, c: { NULL: true } }]);
    model.apply({ do: "delete", table, key });
    expect([model.items(table), model.has(table, key)]).toEqual([[], false]);
  });
});

describe("the comparison", () => {
  const [, , table] = SHAPES as readonly [TableShape, TableShape, TableShape];
  const random = createRandom(9, "items");
  const items = Array.from({ length: 30 }, (_, i) => drawItem(table, i, random, i));
  const expected = items.map((item) => expectedEntry(table, item, "same"));
  const found = (): Entry[] => items.map((item) => foundItem(table, item));

  test("finds nothing where nothing is", () => {
    expect(compare("counters", expected, found().toReversed())).toEqual([]);
  });

  test("finds one that is lost, one that is stale, one too many and one that is there twice", () => {
    const stale = { ...items[4]!, rev: { N: "-1" } };
    const stranger = drawItem(table, 99, random, 99);
    const planted = found();
    planted.splice(4, 1, foundItem(table, stale));
    planted.push(foundItem(table, stranger), planted[7]!);
    planted.splice(2, 1);
    const kinds = compare("counters", expected, planted).map(({ kind, key }) => [kind, key]);
    const keyOf = (place: number): string => expected[place]!.key;
    expect(kinds).toEqual([
      ["other", keyOf(4)],
      ["extra", foundItem(table, stranger).key],
      ["doubled", keyOf(7)],
      ["lost", keyOf(2)],
    ]);
  });

  test.each([
    ["change", [new Int32(-5), Long.fromString("123456789012"), Decimal128.fromString("1.25")]],
    ["mchange", [new Double(-5), new Double(123456789012), new Double(1.25)]],
    ["raw", [{ N: "-5" }, { N: "123456789012" }, { N: "1.25" }]],
  ] as const)(
    "knows what %s makes of values, and sees another type as a difference",
    (conversion, numbers) => {
      const tag = <T>(name: string, value: T): unknown => (conversion === "raw" ? { [name]: value } : value);
      const item = {
        pk: { N: "-5" },
        long: { N: "123456789012" },
        exact: { N: "1.25" },
        text: { S: "x" },
        none: { NULL: true },
        bytes: { B: "AAE=" },
        set: { SS: ["b", "a"] },
        map: { M: { inner: { L: [{ BOOL: true }] } } },
      };
      const document = {
        _id: new ObjectId(),
        pk: numbers[0],
        long: numbers[1],
        exact: numbers[2],
        text: tag("S", "x"),
        none: conversion === "raw" ? { NULL: true } : null,
        bytes: tag("B", new Binary(Buffer.from([0, 1]), 0)),
        set: tag("SS", ["a", "b"]),
        map: tag("M", { inner: tag("L", [tag("BOOL", true)]) }),
      };
      const wanted = expectedEntry(table, item, conversion);
      expect(foundDocument(table, document)).toEqual(wanted);
      const { long: _, ...others } = document;
      for (const wrong of [others, { ...document, long: "123456789012" }, { ...document, more: "y" }])
        expect(foundDocument(table, wrong).content).not.toBe(wanted.content);
    },
  );
});

describe("the command line", () => {
  test("a seed alone is one schedule, and more follow it; without one they are drawn", () => {
    expect(readCommandLine(["--seed", "7"], 1)!.seeds).toEqual([7]);
    expect(readCommandLine(["--seed", "7", "--schedules", "3"], 1)!.seeds).toEqual([7, 8, 9]);
    expect(readCommandLine(["--schedules", "2"], 40)!.seeds).toEqual([40, 41]);
    expect(readCommandLine(["--short"], 40)!.seeds).toEqual(readCommandLine(["--short"], 50)!.seeds);
    expect(readCommandLine(["--help"], 1)).toBeUndefined();
  });

  test.each(["--seed x", "--schedules 0", "--want colour=red", "--nonsense"])("%s is refused", (line) => {
    expect(() => readCommandLine(line.split(" "), 1)).toThrow();
  });
});
