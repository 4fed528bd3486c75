/** The context: roles, hooks, stopping, closing. */
import { describe, expect, test } from "bun:test";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { runMigration } from "../../../core/run/run.ts";
import type { Checkpoint, Converter } from "../../../core/plugin/roles.ts";
import { memoryCheckpoint, memorySource, memoryTarget, testConfig, testTable } from "../../fakes/context.ts";
import { builtinPlugin } from "../../../plugins/index.ts";

const TABLE = { phase: "full" as const, table: testTable("pk") };

function context(signal?: AbortSignal): OwnedContext {
  return createContext({ config: testConfig(), ...(signal && { signal }) });
}

const checkpoint = (close?: () => void): Checkpoint => ({
  ...memoryCheckpoint(),
  ...(close && { close }),
});

describe("roles", () => {
  test("are what a plugin provides", async () => {
    const ctx = context();
    const converter = { convert: () => ({ overflowed: 7 }), fieldPath: () => "path" };
    await ctx.use({ name: "mine", setup: async (ctx) => ctx.provide("convert", Object.freeze(converter)) });
    expect(ctx.role("convert").convert([], testTable("pk")).overflowed).toBe(7);
    expect(ctx.role("convert").fieldPath).toBe(ctx.role("convert").fieldPath);
  });

  test("taken twice are an error that names both", async () => {
    const ctx = context();
    const setup = (ctx: Pick<OwnedContext, "provide">): void => ctx.provide("target", memoryTarget());
    await ctx.use({ name: "first", setup });
    await ctx.use({ name: "unrelated", setup: () => {} });
    const failing = ctx.use({ name: "second", setup });
    await expect(failing).rejects.toMatchObject({
      code: "PLUGIN_INVALID",
      message: expect.stringMatching(/target.*first.*second/),
    });
  });

  test("that nobody fills are an error", () => {
    expect(() => context().role("convert")).toThrow(/no plugin provides the convert/);
  });
});

describe("hooks", () => {
  test("are called one after the other, in the order added, on one event", async () => {
    const ctx = context();
    const log: string[] = [];
    ctx.hook("table:before", async (event) => {
      await Bun.sleep(5);
      log.push("first");
      event.table.targetName = "changed";
    });
    ctx.hook("table:before", (event) => {
      log.push(`second ${event.table.targetName}`);
    });
    ctx.hook("table:after", () => {
      log.push("another");
    });
    const event = { ...TABLE, table: testTable("pk") };
    await ctx.call("table:before", event);
    expect(log).toEqual(["first", "second changed"]);
    expect(event.table.targetName).toBe("changed");
  });

  test("that nobody added cost nothing", () => {
    const ctx = context();
    expect(ctx.call("table:before", TABLE)).toBeUndefined();
    expect(ctx.listens("table:before")).toBe(false);
    ctx.hook("table:before", () => {});
    expect([ctx.listens("table:before"), ctx.listens("table:after")]).toEqual([true, false]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("oops");
      },
      "oops",
    ],
    [
      "rejects",
      async () => {
        throw new Error("oops");
      },
      "oops",
    ],
    [
      "throws what is no error",
      () => {
        throw "text";
      },
      "text",
    ], // oxlint-disable-line no-throw-literal
  ])("one that %s is HOOK_FAILED and named; those behind it aren't called", async (_what, fn, reason) => {
    const ctx = context();
    let called = false;
    ctx.hook("table:before", fn);
    ctx.hook("table:before", () => {
      called = true;
    });
    const failing = Promise.resolve(ctx.call("table:before", TABLE));
    await expect(failing).rejects.toMatchObject({
      code: "HOOK_FAILED",
      message: expect.stringMatching(new RegExp(`table:before.*${reason}`)),
    });
    expect(called).toBe(false);
  });

  test("a hook's own MigrationError passes through", async () => {
    const ctx = context();
    const error = new MigrationError("TABLE_UNFIT", "not this one");
    ctx.hook("table:before", () => {
      throw error;
    });
    expect(await Promise.resolve(ctx.call("table:before", TABLE)).catch((error: unknown) => error)).toBe(
      error,
    );
  });
});

describe("stop", () => {
  test("aborts the signal; the first reason stays", () => {
    const ctx = context();
    expect(ctx.signal.aborted).toBe(false);
    ctx.stop("first");
    ctx.stop("second");
    expect([ctx.signal.aborted, ctx.signal.reason]).toEqual([true, "first"]);
  });

  test("the caller's signal stops too", () => {
    const stopping = new AbortController();
    const ctx = context(stopping.signal);
    stopping.abort("by the caller");
    ctx.stop("later");
    expect([ctx.signal.aborted, ctx.signal.reason]).toEqual([true, "by the caller"]);
  });
});

/** A checkpoint of one's own, in place of the built-in one. */
const NO_CHECKPOINT: Checkpoint = {
  place: "nowhere",
  load: async () => new Map(),
  save: async () => {},
  clear: async () => {},
};

describe("disposing", () => {
  const converter = (close: () => void): Converter & { close(): void } => ({
    convert: () => ({ overflowed: 0 }),
    fieldPath: () => "",
    close,
  });

  test("closes the roles in reverse order, also behind one that fails", async () => {
    const log: string[] = [];
    const ctx = context();
    ctx.provide("source", { ...memorySource([]), close: async () => void log.push("source") });
    ctx.provide(
      "convert",
      converter(() => void log.push("convert")),
    );
    ctx.provide("target", {
      ...memoryTarget(),
      close: async () => {
        log.push("target");
        throw new Error("won't close");
      },
    });
    ctx.provide("checkpoint", checkpoint());
    await expect(ctx[Symbol.asyncDispose]()).rejects.toThrow("won't close");
    expect(log).toEqual(["target", "convert", "source"]);
  });

  test("happens when a run fails, after its close hook", async () => {
    const log: string[] = [];
    const failing = runMigration({
      builtins: builtinPlugin,
      config: testConfig(),
      plugins: [
        {
          name: "failing",
          setup(ctx) {
            ctx.provide("checkpoint", { ...NO_CHECKPOINT, close: () => void log.push("closed") });
            ctx.hook("close", ({ error }) => void log.push(`close hook: ${error?.message}`));
            throw new MigrationError("PLUGIN_INVALID", "on purpose");
          },
        },
      ],
    });
    await expect(failing).rejects.toMatchObject({ code: "PLUGIN_INVALID", message: "on purpose" });
    expect(log).toEqual(["close hook: on purpose", "closed"]);
  });

  // the failure is hidden in a SuppressedError as long as closing fails as well
  test("a run's failure stays the one that is thrown when closing fails too", async () => {
    const failing = runMigration({
      builtins: builtinPlugin,
      config: testConfig(),
      plugins: [
        {
          name: "failing",
          setup(ctx) {
            ctx.provide("checkpoint", {
              ...NO_CHECKPOINT,
              close() {
                throw new Error("won't close");
              },
            });
            throw new MigrationError("PLUGIN_INVALID", "on purpose");
          },
        },
      ],
    });
    await expect(failing).rejects.toMatchObject({ code: "PLUGIN_INVALID", message: "on purpose" });
  });

  test("a run's failure stays the one that is thrown when the close hook fails too", async () => {
    const failing = runMigration({
      builtins: builtinPlugin,
      config: testConfig(),
      plugins: [
        {
          name: "failing",
          setup(ctx) {
            ctx.hook("close", () => {
              throw new Error("hook");
            });
            throw new MigrationError("PLUGIN_INVALID", "on purpose");
          },
        },
      ],
    });
    await expect(failing).rejects.toMatchObject({ code: "PLUGIN_INVALID", message: "on purpose" });
  });

  // design.md: first error wins
  test("of several roles that don't close the first failure is thrown", async () => {
    const ctx = context();
    ctx.provide("source", {
      ...memorySource([]),
      close: async () => {
        throw new Error("source");
      },
    });
    ctx.provide("target", {
      ...memoryTarget(),
      close: async () => {
        throw new Error("target");
      },
    });
    await expect(ctx[Symbol.asyncDispose]()).rejects.toThrow("target");
  });
});
