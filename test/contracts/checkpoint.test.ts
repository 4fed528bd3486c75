/** The checkpoint's contract itself: one that keeps it passes, and one that breaks a promise is caught. */
import { describe, expect, test } from "bun:test";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { checkpointContract, type ContractCase } from "./index.ts";

/** Ways to be wrong, and parts of the names of the cases that have to see it. */
const FLAWS: Record<string, string[]> = {
  "nothing outlives the process": ["states come back"],
  "states are taken late": ["as it was when it was given"],
  "names are cut": ["a name can be anything"],
  "a save forgets the other parts": ["a save replaces"],
  "clear clears all": ["clear forgets"],
  "the id is ignored": ["two migrations"],
  "saves overtake each other": ["overlap", "in the order of their calls"],
  "a stopped run can't save": ["a run that is to stop"],
  "remove removes all": ["remove, where"],
  "close a second time fails": ["closed twice"],
  "null is nothing": ["states come back"],
};

function memoryCheckpoint(store: Map<string, Map<string, string>>, flaw?: string): Plugin {
  return {
    name: "memory",
    setup(ctx) {
      const has = (one: string): boolean => flaw === one;
      const states = has("nothing outlives the process") ? new Map<string, Map<string, string>>() : store;
      let closed = 0;
      const whole = (name: string): string =>
        JSON.stringify([
          has("the id is ignored") ? "" : ctx.config.id,
          has("names are cut") ? name.slice(0, 5) : name,
        ]);
      ctx.provide("checkpoint", {
        place: "memory",
        async load(name) {
          const parts = [...(states.get(whole(name)) ?? [])].map(([part, text]) => {
            return [part, JSON.parse(text) as unknown] as const;
          });
          return new Map(parts.filter(([, state]) => state !== null || !has("null is nothing")));
        },
        async save(name, parts) {
          if (ctx.signal.aborted && has("a stopped run can't save")) throw new Error("stopped");
          if (has("states are taken late")) await Promise.resolve();
          const texts = [...parts].map(([part, state]) => [part, JSON.stringify(state)] as const);
          if (has("saves overtake each other"))
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 9));
          const before = has("a save forgets the other parts") ? [] : (states.get(whole(name)) ?? []);
          states.set(whole(name), new Map([...before, ...texts]));
        },
        async remove(name, parts) {
          if (has("remove removes all")) states.delete(whole(name));
          for (const part of parts) states.get(whole(name))?.delete(part);
        },
        async clear(name) {
          if (has("clear clears all")) states.clear();
          states.delete(whole(name));
        },
        close() {
          if (closed++ > 0 && has("close a second time fails")) throw new Error("closed already");
        },
      });
    },
  };
}

function cases(flaw?: string): ContractCase[] {
  let store = new Map<string, Map<string, string>>();
  return checkpointContract({
    // Cases run one after the other here, so that the newest store is the case's.
    plugin: { name: "memory", setup: (ctx, options) => memoryCheckpoint(store, flaw).setup(ctx, options) },
    async makePlace() {
      store = new Map();
      return { settings: {}, [Symbol.asyncDispose]: async () => {} };
    },
  });
}

describe("a checkpoint that keeps it", () => {
  for (const { name, run } of cases()) test(name, run);
});

describe("a checkpoint that breaks it is caught", () => {
  test.each(Object.keys(FLAWS))("%s", async (flaw) => {
    const failed: string[] = [];
    for (const { name, run } of cases(flaw)) {
      if (FLAWS[flaw]!.some((part) => name.includes(part))) await run().catch(() => failed.push(name));
    }
    for (const part of FLAWS[flaw]!) expect(failed).toContainEqual(expect.stringContaining(part));
  });
});
