/** Our own states in MongoDB: processes that are killed between any two statements, whose last commands come late. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { thisProcess } from "../../../../core/host/process.ts";
import { createQueue, statesOf } from "../../../../plugins/checkpoint/_queue.ts";
import { createOwnStates, type OwnStates } from "../../../../plugins/checkpoint/mongodb/own-states.ts";
import { allParts } from "../../../../plugins/checkpoint/mongodb/states.ts";
import { type Chance, createChance } from "../../../model/chance.ts";
import { CUT_OFF } from "../../../model/crashes.ts";
import { runs } from "../../../model/runs.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";

setDefaultTimeout(3_600_000);

const ID = "m";
const NAMES = ["run", "table:a", "table:b"] as const;
const PARTS = ["0", "1"] as const;
type Name = (typeof NAMES)[number];

type Call = {
  name: Name;
  parts: string[];
  isAwaited: boolean;
  do: "save" | "clear" | "remove" | "save in order";
};
const call: fc.Arbitrary<Call> = fc.record({
  name: fc.constantFrom(...NAMES),
  do: fc.constantFrom(
    "save" as const,
    "save" as const,
    "save in order" as const,
    "clear" as const,
    "remove" as const,
  ),
  parts: fc.uniqueArray(fc.constantFrom<string>(...PARTS), { minLength: 1 }),
  isAwaited: fc.boolean(),
});
interface Life {
  calls: Call[];
  /** It dies after so many statements. */
  statements: number;
  seed: number;
}
const life: fc.Arbitrary<Life> = fc.record({
  calls: fc.array(call, { maxLength: 12 }),
  statements: fc.oneof(fc.nat(30), fc.constant(1e9)),
  seed: fc.nat(),
});

/** What a part may be, oldest first; undefined: it isn't there. */
type Possible = Map<string, (number | undefined)[]>;
const keyOf = (name: Name, part: string): string => `${name} ${part}`;

/** What is kept of each part, by the checkpoint's own way to it. */
async function found(own: OwnStates): Promise<Map<string, number>> {
  const kept = await Promise.all(NAMES.map((name) => own.load(name)));
  for (const [i, states] of kept.entries()) for (const { _id } of states) expect(_id.name).toBe(NAMES[i]!);
  const pairs = kept.flat().map(({ _id, state }) => [`${_id.name} ${_id.part}`, Number(state)] as const);
  return new Map(pairs);
}

/** Processes at one server, one after the other, and what each one finds there. */
async function live(lives: readonly Life[]): Promise<void> {
  const server = fakeServer();
  const possible: Possible = new Map(
    NAMES.flatMap((name) => PARTS.map((part) => [keyOf(name, part), [undefined]])),
  );
  /** Parts that are saved in one call, in their order: what a later one has, the earlier ones have as well. */
  const ordered: [key: string, value: number][][] = [];
  let [values, tokens] = [0, 0];

  function expectSaved(
    name: Name,
    parts: readonly string[],
    isGone: boolean,
  ): { saved: [string, number][]; done(): void } {
    const value = isGone ? undefined : ++values;
    const keys = parts.map((part) => keyOf(name, part));
    for (const key of keys) possible.get(key)!.push(value);
    const places = keys.map((key) => [key, possible.get(key)!.length] as const);
    const first = new Map(places.map(([key, length]) => [key, { list: possible.get(key)!, length }]));
    return {
      saved: keys.map((key) => [key, value ?? 0]),
      done() {
        // Nothing from before it may be there any more.
        for (const [, { list, length }] of first) list.fill(OVER as never, 0, length - 1);
      },
    };
  }

  async function run({ calls, statements, seed }: Life): Promise<void> {
    const db = server.client(statements, createChance(seed));
    const holder = { ...thisProcess(), token: `t${++tokens}`, since: "now" };
    server.claim(holder.token);
    const onDatabase = <T>(_doing: string, work: (given: typeof db) => Promise<T>): Promise<T> => work(db);
    const own = createOwnStates({ id: ID, collection: "states", holder: () => holder, onDatabase });
    const queue = createQueue((name, states) => own.save(name, states));
    const pending: Promise<void>[] = [];
    try {
      const kept = await found(own);
      for (const [key, list] of possible) {
        expect(list, key).toContain(kept.get(key));
      }
      for (const parts of ordered) {
        const at = parts.findLastIndex(([key, value]) => kept.get(key) === value);
        for (const [key, value] of parts.slice(0, at + 1)) {
          const list = possible.get(key)!;
          expect(list.lastIndexOf(kept.get(key)), `${key} behind ${value}`).toBeGreaterThanOrEqual(
            list.indexOf(value),
          );
        }
      }
      ordered.length = 0;
      for (const [key] of possible) possible.set(key, [kept.get(key)]);
      for (const { name, do: what, parts, isAwaited } of calls) {
        const done = start(what, name, parts);
        done.catch(() => {});
        pending.push(done);
        if (isAwaited) await done;
      }
      await Promise.all(pending);
    } catch (error) {
      if (error !== CUT_OFF) throw error;
    }
    await Promise.allSettled(pending);

    async function start(what: Call["do"], name: Name, parts: string[]): Promise<void> {
      if (what === "save in order") {
        const all = NAMES.map((each) => ({ each, ...expectSaved(each, parts, false), value: values }));
        ordered.push(all.flatMap(({ saved }) => saved));
        const states = all.map(
          ({ each, value }) => [each, statesOf(new Map(parts.map((part) => [part, value])))] as const,
        );
        await queue.run([...NAMES], () => own.saveInOrder(states));
        for (const { done } of all) done();
        return;
      }
      const { done } = expectSaved(name, what === "clear" ? PARTS : parts, what !== "save");
      const saved = new Map(parts.map((part) => [part, values]));
      const ids =
        what === "clear" ? allParts(ID, name) : { $in: parts.map((part) => ({ id: ID, name, part })) };
      await (what === "save" ? queue.save(name, saved) : queue.run(name, () => own.forget(ids)));
      done();
    }
  }

  for (const each of lives) await run(each);
  await run({ calls: [], statements: 1e9, seed: 0 });
}

/** In place of what may not be there any more. */
const OVER = Symbol("over");

test("what is read of each part was saved, is no older than what was acknowledged, and in the order where one is asked for", () =>
  fc.assert(fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), live), runs(200)));

describe("what a dead process has sent, and comes when another one has the lease", () => {
  /** What is late comes with the second command of the next one. */
  function opened(server: FakeServer, token: string, steps = 1e9): OwnStates {
    let commands = 0;
    const chance: Chance = {
      below: () => 0,
      percent: (share) => share === 20 && ++commands > 1,
      one: ([each]) => each!,
    };
    const db = server.client(steps, chance);
    const holder = { ...thisProcess(), token, since: "now" };
    server.claim(token);
    return createOwnStates({
      id: ID,
      collection: "states",
      holder: () => holder,
      onDatabase: (_, work) => work(db),
    });
  }
  const save = (own: OwnStates, value: number): Promise<void> =>
    own.save("run", statesOf(new Map([["0", value]])));

  test("a save changes nothing", async () => {
    const server = fakeServer();
    // It dies as soon as it has sent it.
    await expect(save(opened(server, "a", 1), 1)).rejects.toBe(CUT_OFF);
    const next = opened(server, "b");
    await save(next, 2);
    expect(await found(next)).toEqual(new Map([["run 0", 2]]));
  });

  test("a delete takes nothing that was saved since", async () => {
    const server = fakeServer();
    await save(opened(server, "a"), 1);
    // The update's command and its two statements, then the delete's.
    await expect(opened(server, "a", 4).forget(allParts(ID, "run"))).rejects.toBe(CUT_OFF);
    const next = opened(server, "b");
    await save(next, 2);
    await save(next, 3);
    expect(await found(next)).toEqual(new Map([["run 0", 3]]));
  });
});
