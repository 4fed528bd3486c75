/** What every checkpoint must do, whatever keeps the states. */
import assert from "node:assert/strict";
import type { OwnedContext } from "../../core/run/context.ts";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";
import type { Checkpoint, Kept } from "../../core/plugin/roles.ts";
import type { ContractCase, ContractPlace } from "./case.ts";
import { leaseCases } from "./checkpoint-lease.ts";
import { NAMES, STATES } from "./checkpoint-states.ts";
import { openContext } from "./open.ts";
import { assertSame, textOf } from "./same.ts";

/** Somewhere that the plugin keeps states at. */
export interface CheckpointPlace extends ContractPlace {
  /** What the checkpoint's `place` has to look like; default: that it says something. */
  words?: RegExp;
}

/** What {@link checkpointContract} takes. */
export interface CheckpointContract {
  plugin: AnyPlugin;
  makePlace(): Promise<CheckpointPlace>;
}

/**
 * What a checkpoint promises, as cases for a test framework.
 *
 * @example
 * ```ts
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { test } from "node:test";
 * import { checkpointContract } from "nimo-shake/test";
 * import plugin from "./json-checkpoint.ts";
 *
 * const makePlace = async () => {
 *   const folder = mkdtempSync("states-");
 *   return {
 *     settings: { "plugin.json-checkpoint.file": `${folder}/states.json` },
 *     [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
 *   };
 * };
 * for (const { name, run } of checkpointContract({ plugin, makePlace })) test(name, run);
 * ```
 */
export function checkpointContract(contract: CheckpointContract): ContractCase[] {
  const { plugin, makePlace } = contract;
  const cases: ContractCase[] = [];
  const add = (name: string, run: ContractCase["run"]): void => void cases.push({ name, run });

  /** Two instances at one place never meet: the second sees what the first has left. */
  async function leaves<T>(
    { settings }: CheckpointPlace,
    work: (checkpoint: Checkpoint, ctx: OwnedContext) => Promise<T>,
    id = "app",
  ): Promise<T> {
    await using ctx = await openContext([plugin], { "checkpoint.db": "states", ...settings, id });
    return await work(ctx.role("checkpoint"), ctx);
  }
  const loaded = (place: CheckpointPlace, name: string, id?: string): Promise<[string, unknown][]> =>
    leaves(place, async (checkpoint) => [...(await checkpoint.load(name))].sort(byPart), id);

  add("what was never saved is empty", async () => {
    await using place = await makePlace();
    assertSame(await loaded(place, "run"), []);
    await leaves(place, async (checkpoint, ctx) => {
      await checkpoint.inspect?.([], ctx.signal);
      await checkpoint.save("run", new Map());
      await checkpoint.clear("run");
      assertSame((await checkpoint.load("run")).size, 0);
      assert.match(checkpoint.place, place.words ?? /\w/);
    });
  });

  add("ping, where there is one, finds the store there", async () => {
    await using place = await makePlace();
    await leaves(place, async (checkpoint, ctx) => {
      await checkpoint.load("run");
      await checkpoint.ping?.(ctx.signal);
    });
  });

  add("saveInOrder, where there is one, saves several names, and takes the turn of each", async () => {
    await using place = await makePlace();
    const names = ["run", "table:a", "table:b"];
    const states = (is: number): Map<string, Map<string, number>> =>
      new Map(names.map((name) => [name, new Map([["part", is]])]));
    const known = await leaves(place, async (checkpoint) => {
      if (checkpoint.saveInOrder === undefined) return false;
      await Promise.all([
        checkpoint.save("table:a", new Map([["other", 1]])),
        checkpoint.saveInOrder(states(1)),
        checkpoint.save("table:b", new Map([["part", 2]])),
        checkpoint.saveInOrder(new Map()),
      ]);
      return true;
    });
    if (!known) return;
    assertSame(await loaded(place, "run"), [["part", 1]]);
    assertSame(await loaded(place, "table:a"), [
      ["other", 1],
      ["part", 1],
    ]);
    assertSame(await loaded(place, "table:b"), [["part", 2]]);
  });

  add("remove, where there is one, forgets some parts and keeps the others", async () => {
    await using place = await makePlace();
    for (const name of ["full:t", "shards:t"]) {
      const row = (ShardId: string): object => ({ ShardId, FatherId: "" });
      const left = await leaves(place, async (checkpoint) => {
        await checkpoint.save(name, new Map(["a", "b", "c"].map((part) => [part, row(part)])));
        await checkpoint.remove?.(name, ["a", "c", "never there"]);
        await checkpoint.remove?.(name, []);
        return checkpoint.remove === undefined ? ["a", "b", "c"] : ["b"];
      });
      assertSame(
        (await loaded(place, name)).map(([part]) => part),
        left,
      );
    }
    const status = await leaves(place, async (checkpoint) => {
      await checkpoint.save("status", new Map([["status", "incr_sync"]]));
      await checkpoint.remove?.("status", ["never there"]);
      assertSame((await checkpoint.load("status")).size, 1);
      await checkpoint.remove?.("status", ["status"]);
      return checkpoint.remove === undefined ? [["status", "incr_sync"]] : [];
    });
    assertSame(await loaded(place, "status"), status);
  });

  add("states come back as they were, from this instance and the next", async () => {
    await using place = await makePlace();
    const saved = new Map(STATES);
    await leaves(place, async (checkpoint) => {
      await checkpoint.save("full:t", saved);
      assertSame([...(await checkpoint.load("full:t"))].sort(byPart), [...saved].sort(byPart));
    });
    const again = await loaded(place, "full:t");
    assertSame(again, [...saved].sort(byPart));
    const names = (again as [string, object][]).find(([part]) => part.endsWith("JavaScript"))![1];
    assertSame(Object.keys(names), ["__proto__", "constructor", "toJSON"]);
  });

  add("a name can be anything, and so can a part", async () => {
    await using place = await makePlace();
    await leaves(place, async (checkpoint) => {
      for (const name of NAMES)
        await checkpoint.save(name, new Map(NAMES.map((part) => [part, [name, part]])));
    });
    for (const name of NAMES) {
      const expected = NAMES.map((part) => [part, [name, part]] as [string, unknown]).sort(byPart);
      assertSame(await loaded(place, name), expected);
    }
  });

  add("list, where there is one, gives the names with something in them, and when it was saved", async () => {
    await using place = await makePlace();
    const listed = (id?: string): Promise<Kept[] | undefined> =>
      leaves(place, async (checkpoint) => checkpoint.list?.(), id);
    const names = async (id?: string): Promise<string[] | undefined> =>
      (await listed(id))?.map(({ name }) => name).sort();
    if ((await listed()) === undefined) return;
    assertSame(await names(), []);
    const began = Date.now();
    await leaves(place, async (checkpoint) => {
      for (const name of NAMES) await checkpoint.save(name, new Map([["0", 1]]));
      await checkpoint.save("gone", new Map([["0", 1]]));
      // NimoShake's layout isn't ours to list.
      await checkpoint.save("shards:t", new Map([["s", { ShardId: "s", FatherId: "" }]]));
      await checkpoint.clear("gone");
    });
    await leaves(place, (checkpoint) => checkpoint.save("run", new Map([["run", 1]])), "app-1");
    assertSame(await names(), [...NAMES].sort());
    assertSame(await names("app-1"), ["run"]);
    assertSame(await names("ap"), []);
    // A disk's clock may tick in coarse steps.
    for (const { name, savedAt } of (await listed())!)
      assert.ok(Math.abs(savedAt - began) < 60_000, `${name} was saved at ${savedAt}, which is ${began}`);
  });

  add("a save replaces the parts it has and keeps the others", async () => {
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
    assertSame(await loaded(place, "t"), [
      ["0", { b: 3 }],
      ["1", 2],
      ["2", 3],
    ]);
  });

  add("a state is saved as it was when it was given", async () => {
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
    assertSame(await loaded(place, "t"), [
      ["0", { n: 1 }],
      ["1", { n: 1 }],
    ]);
  });

  add("clear forgets a name, not the others; it can be saved to again", async () => {
    await using place = await makePlace();
    const states = new Map([
      ["0", 1],
      ["1", 2],
    ]);
    await leaves(place, async (checkpoint) => {
      for (const name of ["t", "T", "t1", "t:"]) await checkpoint.save(name, states);
      await checkpoint.clear("t");
      assertSame((await checkpoint.load("t")).size, 0);
    });
    assertSame(await loaded(place, "t"), []);
    for (const name of ["T", "t1", "t:"]) assert.equal((await loaded(place, name)).length, 2);
    await leaves(place, (checkpoint) => checkpoint.clear("T")); // without a load before it
    assertSame(await loaded(place, "T"), []);
    await leaves(place, (checkpoint) => checkpoint.save("t", new Map([["2", 3]])));
    assertSame(await loaded(place, "t"), [["2", 3]]);
  });

  add("two migrations at one place don't see each other", async () => {
    await using place = await makePlace();
    const ids = ["one", "two", "on", "one-1"];
    for (const id of ids) {
      await leaves(place, (checkpoint) => checkpoint.save("run", new Map([["run", id]])), id);
    }
    await leaves(place, (checkpoint) => checkpoint.clear("run"), "two");
    for (const id of ids) assertSame(await loaded(place, "run", id), id === "two" ? [] : [["run", id]]);
  });

  add("what is left of a migration, where that is told, is its own alone, and goes", async () => {
    await using place = await makePlace();
    const names = ["run", "table:a/b", "stream:a/b", "verify:x", "long ".repeat(50)];
    const rows = new Map([["s", { ShardId: "s", FatherId: "" }]]);
    const left = (id: string): Promise<unknown> =>
      leaves(
        place,
        async (checkpoint) => {
          const found = await checkpoint.left?.();
          return found && { ...found, names: found.names.sort() };
        },
        id,
      );
    const isTold = await leaves(place, async (checkpoint) => checkpoint.left !== undefined);
    if (!isTold) return;
    const nothing = { names: [], rest: false };
    assertSame(await left("one"), nothing);
    for (const id of ["one", "one-1"]) {
      await leaves(
        place,
        async (checkpoint) => {
          for (const name of names) await checkpoint.save(name, new Map([["p", id]]));
          if (id === "one") await checkpoint.save("shards:a.b", rows);
        },
        id,
      );
    }
    await leaves(
      place,
      async (checkpoint) => {
        await checkpoint.save("table:a.b", new Map([["p", 1]]));
        const found = await checkpoint.left!();
        assertSame(found.names.sort(), [...names, "shards:a.b", "table:a.b"].sort());
        for (const name of found.names) await checkpoint.clear(name);
        await checkpoint.vacate?.();
        await checkpoint.vacate?.();
      },
      "one",
    );
    assertSame(await left("one"), nothing);
    assertSame(((await left("one-1")) as { names: string[] }).names, [...names].sort());
    // Whose NimoShake's place was doesn't matter any more.
    await leaves(place, (checkpoint) => checkpoint.save("shards:t", rows), "one-1");
  });

  add(
    "what other migrations keep, where that is told, is told of the names and the part that are asked for",
    async () => {
      await using place = await makePlace();
      const isTold = await leaves(place, async (checkpoint) => checkpoint.others !== undefined);
      if (!isTold) return;
      for (const id of ["one", "two", "one-1"]) {
        await leaves(
          place,
          async (checkpoint) => {
            for (const name of ["stream:a/b", "stream:c"])
              await checkpoint.save(
                name,
                new Map([
                  ["p", { id }],
                  ["q", { id }],
                ]),
              );
            if (id === "two") await checkpoint.clear("stream:a/b");
          },
          id,
        );
      }
      const others = (...names: string[]) =>
        leaves(
          place,
          async (checkpoint) =>
            (await checkpoint.others!("p", names))
              .map(({ id, name, state }) => JSON.stringify([id, name, state]))
              .sort(),
          "one",
        );
      assertSame(await others("stream:a/b", "run"), ['["one-1","stream:a/b",{"id":"one-1"}]']);
      assertSame(await others("run"), []);
      assertSame((await others("stream:c")).length, 2);
    },
  );

  add("of saves that overlap, the last one counts", async () => {
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
    assertSame(await loaded(place, "t"), [["all", rounds], ...own].sort(byPart as never));
    assertSame(await loaded(place, "u"), [["all", -rounds]]);
  });

  add("saves, loads and clears of a name happen in the order of their calls", async () => {
    await using place = await makePlace();
    await leaves(place, async (checkpoint) => {
      const [, first, , , second] = await Promise.all([
        checkpoint.save("t", new Map([["0", 1]])),
        checkpoint.load("t"),
        checkpoint.clear("t"),
        checkpoint.save("t", new Map([["1", 2]])),
        checkpoint.load("t"),
      ]);
      assertSame([...(first as Map<string, unknown>)], [["0", 1]]);
      assertSame([...(second as Map<string, unknown>)], [["1", 2]]);
    });
    assertSame(await loaded(place, "t"), [["1", 2]]);
  });

  add("many parts of one name are kept", async () => {
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
    assert.equal(found.length, many);
    assertContains(found, ["5", { n: -1 }]);
    assertContains(found, ["8191", { n: 8191, position }]);
  });

  add("a run that is to stop can still save and load", async () => {
    await using place = await makePlace();
    await leaves(place, async (checkpoint, ctx) => {
      await checkpoint.save("t", new Map([["0", 1]]));
      ctx.stop(new Error("enough"));
      await checkpoint.save("t", new Map([["0", 2]]));
      assertSame([...(await checkpoint.load("t"))], [["0", 2]]);
    });
    // as does one that was stopped before its first call
    await leaves(place, async (checkpoint, ctx) => {
      ctx.stop(new Error("enough"));
      await checkpoint.save("t", new Map([["1", 3]]));
    });
    assertSame(await loaded(place, "t"), [
      ["0", 2],
      ["1", 3],
    ]);
  });

  add("a checkpoint can be closed twice, used or not", async () => {
    await using place = await makePlace();
    for (const used of [false, true]) {
      await leaves(place, async (checkpoint) => {
        if (used) await checkpoint.save("t", new Map([["0", 1]]));
        await checkpoint.close?.();
        await checkpoint.close?.();
      });
    }
  });

  return [...cases, ...leaseCases(contract)];
}

function assertContains(found: [string, unknown][], expected: [string, unknown]): void {
  assert.ok(
    found.some((state) => textOf(state) === textOf(expected)),
    `there is no ${textOf(expected)}`,
  );
}

function byPart(a: [string, unknown], b: [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
