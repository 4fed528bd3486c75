/** The target's contract itself: one that keeps it passes, and one that breaks a promise is caught. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FLAWS, type MemoryStore, memoryTarget } from "../fakes/memory-target.ts";
import { type ContractCase, targetContract } from "./index.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** Cases of their own stores, as each place is its own. */
function cases(flaw?: string): ContractCase[] {
  let store: MemoryStore;
  return targetContract({
    // Cases run one after the other here, so that the newest store is the case's.
    plugin: { name: "memory", setup: (ctx, options) => memoryTarget(store, flaw).setup(ctx, options) },
    async makePlace() {
      store = new Map();
      return {
        settings: { "convert.type": "raw" },
        read: async ({ targetName }) => [...(store.get(targetName)?.documents.values() ?? [])].map(plain),
        kept: async ({ targetName }) =>
          [...(store.get(`${targetName} kept`)?.documents.values() ?? [])].map(plain),
        [Symbol.asyncDispose]: async () => {},
      };
    },
    can: { resume: true, rename: true, apply: true, keys: true, sample: true, stored: true, remove: true },
    expected: plain,
  });
}

/** In typed form, with the binaries as base64. */
const plain = (document: object): unknown => JSON.parse(JSON.stringify(document));

describe("a target that keeps it", () => {
  for (const { name, run } of cases()) test(name, run);
});

describe("a target that breaks it is caught", () => {
  test.each(Object.keys(FLAWS))("%s", async (flaw) => {
    const expected = FLAWS[flaw]!;
    const failed: string[] = [];
    for (const { name, run } of cases(flaw)) {
      if (!expected.some((part) => name.includes(part))) continue;
      await run().catch(() => failed.push(name));
    }
    for (const part of expected) expect(failed).toContainEqual(expect.stringContaining(part));
  });
});
