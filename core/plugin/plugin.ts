/** What a plugin is. */
import type { GenericSchema } from "valibot";
import type { Context } from "./context.ts";

/** Anything that fills a role or hooks into the run. */
export interface Plugin<Options = unknown> {
  /** Unique; shown in messages. */
  name: string;
  /** Checks the plugin's options from the configuration before `setup`. */
  options?: GenericSchema<unknown, Options>;
  /**
   * Whether a run may only be gone on with under the same options, as where they decide which items are copied and
   * how they look there.
   */
  sameOptions?: boolean;
  /**
   * Whether the values of key attributes stay as the source has them, so that a document tells its item: without that
   * a plugin that hooks into records can't be used with `on_gap = resync`, which looks items up by their documents' keys.
   */
  keepsKeys?: boolean;
  /** Called once before anything is connected; provides roles and adds hooks. */
  setup(ctx: Context, options: Options): void | Promise<void>;
}

/** A plugin whatever its options are. */
// oxlint-disable-next-line typescript/no-explicit-any -- nothing else takes every plugin
export type AnyPlugin = Plugin<any>;

/**
 * Types a plugin and does nothing else.
 *
 * @example
 * ```ts
 * import { definePlugin } from "nimo-shake";
 *
 * export default definePlugin({
 *   name: "only-paid",
 *   setup(ctx) {
 *     ctx.hook("fetch:after", (e) => e.keep((item) => item["status"]?.S === "paid"));
 *   },
 * });
 * ```
 */
export function definePlugin<Options = unknown>(plugin: Plugin<Options>): Plugin<Options> {
  return plugin;
}
