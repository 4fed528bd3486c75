/** A plugin in a context of its own, as a new process would have it. */
import { loadConfig } from "../../core/config/load.ts";
import { createContext, type OwnedContext } from "../../core/run/context.ts";
import type { AnyPlugin } from "../../core/plugin/plugin.ts";

/** What a place's settings are added to. */
const DEFAULTS: Record<string, string> = { id: "contract", sync_mode: "full", "target.type": "plugin" };

/**
 * Sets plugins up under these settings.
 *
 * @throws MigrationError CONFIG_INVALID, or what a plugin's `setup` throws
 */
export async function openContext(
  plugins: AnyPlugin[],
  settings: Record<string, string>,
): Promise<OwnedContext> {
  const { config, pluginOptions } = loadConfig({ set: { ...DEFAULTS, ...settings } });
  const ctx = createContext({ config });
  try {
    // As built in: whether it ends its calls itself is looked at.
    for (const plugin of plugins) await ctx.use(plugin, pluginOptions[plugin.name] ?? {}, true);
  } catch (error) {
    await ctx[Symbol.asyncDispose]();
    throw error;
  }
  return ctx;
}
