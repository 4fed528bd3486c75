/** Who fills a run's roles: the plugins that were given, and the built-in ones where they leave one. */
import type { Config } from "../config/config.ts";
import { nearestTo } from "../config/nearest.ts";
import { MigrationError } from "../errors.ts";
import { type Attempt, orThrow } from "../flow/attempt.ts";
import type { AnyPlugin, Plugin } from "../plugin/plugin.ts";
import type { Roles } from "../plugin/roles.ts";
import { chooseConversion } from "./adopt-nimoshake.ts";
import type { OwnedContext } from "./context.ts";

/** Gives the plugin that fills a role as a configuration asks; undefined: it asks for none. */
export type Builtins = (role: keyof Roles, config: Config) => Promise<Plugin | undefined>;

/** What {@link fillRoles} takes. */
export interface RoleOptions {
  /** The plugins that fill the roles which `plugins` leave. */
  builtins: Builtins;
  /** Further plugins; they are set up first. */
  plugins?: AnyPlugin[];
  /** Their options, by plugin name. */
  pluginOptions?: Readonly<Record<string, unknown>>;
  /** Forgets what an unfinished run has left, and starts over. */
  fresh?: boolean;
  /** The keys that the user gave; a default may give way to what an earlier tool has begun. */
  given?: ReadonlySet<string>;
}

/**
 * Sets up the plugins that were given, and the built-in ones for the roles that they leave.
 *
 * @param config gets the conversion that goes with what an earlier run has left
 */
export async function fillRoles(ctx: OwnedContext, config: Config, options: RoleOptions): Promise<void> {
  await fillSides(ctx, options);
  await fillConversion(ctx, config, options);
}

/** The same for all roles but the conversion; nobody is asked anything yet. */
export async function fillSides(ctx: OwnedContext, options: RoleOptions): Promise<void> {
  await usePlugins(ctx, options);
  for (const role of ["source", "streams", "target", "checkpoint"] as const)
    await fill(ctx, role, options.builtins);
}

/**
 * The same for the conversion, which depends on the checkpoint.
 *
 * @param config gets the conversion that goes with what an earlier run has left
 * @param attempt who hears that nobody knows what an earlier run has left; default: that is thrown
 */
export async function fillConversion(
  ctx: OwnedContext,
  config: Config,
  { builtins, given = new Set(), fresh = false }: RoleOptions,
  attempt: Attempt = orThrow,
): Promise<void> {
  const chosen = await attempt(() => chooseConversion(ctx, given, fresh));
  config["convert.type"] = chosen ?? config["convert.type"];
  await fill(ctx, "convert", builtins);
}

/** Sets up the plugins that were given; options of none of them are refused where they look like one's. */
export async function usePlugins(
  ctx: OwnedContext,
  { plugins = [], pluginOptions = {} }: RoleOptions,
): Promise<void> {
  const names = plugins.map(({ name }) => name);
  for (const name of Object.keys(pluginOptions)) {
    if (names.includes(name)) continue;
    const nearest = nearestTo(name, names);
    const what = `options for a plugin that isn't used: plugin.${name}.*`;
    if (nearest !== undefined)
      throw new MigrationError("PLUGIN_INVALID", what, {
        hint: `if ${nearest} is meant, write plugin.${nearest}.*`,
      });
    ctx.log.warn(
      `${what}; ${names.length > 0 ? `the plugins are ${names.join(", ")}` : "plugins names none"}`,
    );
  }
  for (const plugin of plugins) await ctx.use(plugin, pluginOptions[plugin.name] ?? {});
}

/** Fills a role with the built-in plugin that the configuration names, unless a plugin that was given fills it. */
export async function fill(ctx: OwnedContext, role: keyof Roles, builtins: Builtins): Promise<void> {
  if (ctx.isFilled(role)) return;
  const plugin = await builtins(role, ctx.config);
  if (plugin !== undefined) await ctx.use(plugin, undefined, true);
}
