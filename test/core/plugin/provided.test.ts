/** Hooks and roles as plugins name them. */
import { expect, test } from "bun:test";
import type { Context } from "../../../core/plugin/context.ts";
import { createContext } from "../../../core/run/context.ts";
import { memoryTarget, testConfig } from "../../fakes/context.ts";

/** What the types don't let through, as JavaScript does. */
type Loose = Record<"hook" | "provide", (name: string, given?: unknown) => void>;

test.each<[what: string, setup: (ctx: Loose) => void, message: string]>([
  ["a hook misspelt", (ctx) => ctx.hook("fetch:aftr", () => {}), "there is no hook fetch:aftr"],
  ["a hook of Object's", (ctx) => ctx.hook("constructor", () => {}), "there is no hook constructor"],
  ["no function", (ctx) => ctx.hook("fetch:after", "x"), "what is hooked into fetch:after is no function"],
  ["a role misspelt", (ctx) => ctx.provide("traget", {}), "there is no role traget"],
  ["nothing", (ctx) => ctx.provide("convert"), "its convert has no method convert, fieldPath"],
  [
    "a target without a method",
    (ctx) => ctx.provide("target", { ...memoryTarget(), write: undefined }),
    "its target has no method write",
  ],
])("%s is refused", async (_, setup, message) => {
  await using ctx = createContext({ config: testConfig() });
  const plugin = { name: "mine", setup: (given: Context) => setup(given as unknown as Loose) };
  await expect(ctx.use(plugin)).rejects.toMatchObject({
    code: "PLUGIN_INVALID",
    message: `${message}: plugin mine`,
  });
});

test("what is meant is said", async () => {
  await using ctx = createContext({ config: testConfig() });
  const setup = (given: Context): void => given.hook("fetch:aftr" as "fetch:after", () => {});
  await expect(ctx.use({ name: "mine", setup })).rejects.toMatchObject({
    hint: "if fetch:after is meant, write that",
  });
});
