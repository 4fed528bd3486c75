/** What the types say to somebody who writes a plugin; `bun run types` is the test. Nothing of it runs. */
import { expectTypeOf } from "bun:test";
import * as v from "valibot";
import {
  type Checkpoint,
  definePlugin,
  type HookEvent,
  type HookName,
  type Hooks,
  type Item,
  migrate,
  type Migration,
  type MigrationResult,
  type Plugin,
  type SourceRecord,
  type Table,
  type Target,
} from "nimo-shake";

// Every hook of the reference is there, and no other.
expectTypeOf<HookName>().toEqualTypeOf<
  | "setup"
  | "table:before"
  | "table:after"
  | "fetch:before"
  | "fetch:after"
  | "convert:before"
  | "convert:after"
  | "write:before"
  | "write:after"
  | "index:before"
  | "index:after"
  | "checkpoint:before"
  | "checkpoint:after"
  | "error"
  | "close"
>();

definePlugin({
  name: "hooks",
  setup(ctx) {
    // An event's members follow from the hook's name.
    ctx.hook("setup", (e) => {
      expectTypeOf(e.tables).toEqualTypeOf<Table[]>();
    });
    ctx.hook("table:before", (e) => {
      e.table.targetName = "other";
      expectTypeOf(e.table.keys.partition.targetName).toEqualTypeOf<string | undefined>();
    });
    ctx.hook("fetch:after", (e) => {
      expectTypeOf(e.records).toEqualTypeOf<SourceRecord[]>();
      e.keep((item) => {
        expectTypeOf(item).toEqualTypeOf<Item>();
        return item["status"]?.S === "paid";
      });
    });
    ctx.hook("convert:after", async ({ records }) => {
      for (const { document, op } of records)
        if (op === "put") expectTypeOf(document!["x"]).toEqualTypeOf<unknown>();
    });
    ctx.hook("write:after", (e) => {
      expectTypeOf(e.result.inserted).toEqualTypeOf<number>();
    });
    ctx.hook("error", (e) => {
      if (e.attempt < 3) e.action = "retry";
      // @ts-expect-error -- no such action
      e.action = "ignore";
    });

    // @ts-expect-error -- no such hook
    ctx.hook("fetch:afterwards", () => {});
    // @ts-expect-error -- no such member of this event
    ctx.hook("table:before", (e) => e.records);
    // @ts-expect-error -- keep belongs to fetch:after
    ctx.hook("write:before", (e) => e.keep(() => true));
    // @ts-expect-error -- a hook edits its event and returns nothing
    ctx.hook("setup", () => "done");
    // @ts-expect-error -- an item's attributes have types
    ctx.hook("fetch:after", (e) => e.keep((item) => item["status"] === "paid"));
  },
});

declare const target: Target;
declare const checkpoint: Checkpoint;
definePlugin({
  name: "roles",
  setup(ctx) {
    ctx.provide("target", target);
    expectTypeOf(ctx.role("checkpoint")).toEqualTypeOf<Checkpoint>();
    // @ts-expect-error -- no such role
    ctx.provide("sink", target);
    // @ts-expect-error -- a checkpoint is no target
    ctx.provide("target", checkpoint);
    // @ts-expect-error -- a write says what became of the records
    ctx.provide("target", { ...target, write: async () => {} });
  },
});

// A plugin's options are what its schema gives.
definePlugin({
  name: "options",
  options: v.object({ most: v.pipe(v.string(), v.transform(Number)) }),
  setup(_, options) {
    expectTypeOf(options).toEqualTypeOf<{ most: number }>();
  },
});

// @ts-expect-error -- a plugin has a name
({ setup() {} }) satisfies Plugin;
// @ts-expect-error -- and a setup
({ name: "none" }) satisfies Plugin;

expectTypeOf<HookEvent<"close">>().toEqualTypeOf<Parameters<Hooks["close"]>[0]>();
expectTypeOf(migrate).returns.toEqualTypeOf<Migration>();
expectTypeOf<Awaited<Migration>>().toEqualTypeOf<MigrationResult>();
void migrate({ config: { sync_mode: "full", "full.concurrency": 4, "plugin.only.status": "paid" } });
// @ts-expect-error -- no such key
void migrate({ config: { "full.parser": 1 } });
