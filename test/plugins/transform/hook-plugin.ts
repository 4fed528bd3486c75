/** A hook plugin on its own, with records in memory. */
import { expect } from "bun:test";
import { createConsola } from "consola";
import { createContext, type OwnedContext } from "../../../core/run/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import { fetchAfterEvent } from "../../../core/stages/fetch.ts";
import type { AnyPlugin } from "../../../core/plugin/plugin.ts";
import type { Item, SourceRecord, Table } from "../../../core/types.ts";
import { testConfig } from "../../fakes/context.ts";

/** See the top of the file. */
export interface HookPlugin {
  ctx: OwnedContext;
  /** What was logged, as `type: text`. */
  log: string[];
  /** The tables that the setup hook leaves. */
  setup(tables: Table[]): Promise<Table[]>;
  /** Calls `table:before`. */
  before(table: Table): Promise<void>;
  /** What `fetch:after` makes of records. */
  fetched(table: Table, records: SourceRecord[], phase?: "full" | "incr"): Promise<SourceRecord[]>;
  /** What it makes of one item, scanned. */
  item(table: Table, item: Item): Promise<Item | undefined>;
}

/** Sets plugins up, in this order, with their options. */
export async function hookPlugins(
  plugins: [AnyPlugin, Record<string, string>][],
  settings: Record<string, string> = {},
): Promise<HookPlugin> {
  const log: string[] = [];
  const consola = createConsola({
    level: 5,
    reporters: [{ log: ({ type, args }) => void log.push(`${type}: ${args.join(" ")}`) }],
  });
  const ctx = createContext({ config: testConfig(settings), log: consola });
  for (const [plugin, options] of plugins) await ctx.use(plugin, options);
  const self: HookPlugin = {
    ctx,
    log,
    async setup(tables) {
      const event = { tables };
      await ctx.call("setup", event);
      return event.tables;
    },
    before: async (table) => ctx.call("table:before", { phase: "full", table }),
    async fetched(table, records, phase = "full") {
      const unit =
        phase === "full"
          ? ({ phase, table, segment: 0, segments: 1 } as const)
          : ({ phase, table, shard: "s" } as const);
      const event = fetchAfterEvent(unit, records);
      await ctx.call("fetch:after", event);
      return event.records;
    },
    async item(table, item) {
      const record: SourceRecord = { op: "put", event: "SCAN", keys: { pk: item["pk"]! }, item };
      return (await self.fetched(table, [record]))[0]?.item;
    },
  };
  return self;
}

/** The error of what is refused, as a text with its hint. */
export async function refusal(promise: Promise<unknown>, code = "PLUGIN_INVALID"): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MigrationError);
  expect((error as MigrationError).code).toBe(code as MigrationError["code"]);
  return `${(error as MigrationError).message} (${(error as MigrationError).hint})`;
}
