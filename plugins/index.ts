/** The built-in plugins, by the roles and names that a configuration has for them. */
import type { Config } from "../core/config/config.ts";
import type { AnyPlugin, Plugin } from "../core/plugin/plugin.ts";
import type { Roles } from "../core/plugin/roles.ts";

/** Every built-in plugin. Literal imports, because the compiled executable has no others. */
const BUILTINS: Record<string, () => Promise<{ default: Plugin }>> = {
  "source/dynamodb-scan": () => import("./source/dynamodb-scan.ts"),
  "source/dynamodb-streams": () => import("./source/dynamodb-streams.ts"),
  "convert/change": () => import("./convert/change.ts"),
  "convert/mchange": () => import("./convert/mchange.ts"),
  "convert/raw": () => import("./convert/raw.ts"),
  "convert/same": () => import("./convert/same.ts"),
  "checkpoint/file": () => import("./checkpoint/file.ts"),
  "checkpoint/mongodb": () => import("./checkpoint/mongodb.ts"),
  "target/aliyun_dynamo_proxy": () => import("./target/aliyun-dynamo-proxy.ts"),
  "target/file": () => import("./target/file.ts"),
  "target/mongodb": () => import("./target/mongodb.ts"),
};

/** The built-in plugin that fills a role as a configuration asks; undefined: it asks for none. */
export async function builtinPlugin(role: keyof Roles, config: Config): Promise<Plugin | undefined> {
  const names: Record<keyof Roles, string | undefined> = {
    source: "source/dynamodb-scan",
    streams: config.sync_mode === "full" ? undefined : "source/dynamodb-streams",
    target: config["target.type"] === "plugin" ? undefined : `target/${config["target.type"]}`,
    checkpoint: `checkpoint/${config["checkpoint.type"]}`,
    convert: `convert/${config["convert.type"]}`,
  };
  const name = names[role];
  return name === undefined ? undefined : (await BUILTINS[name]!()).default;
}

/** The built-in plugins that fill no role, by the name under which `plugins` takes them. */
const HOOK_PLUGINS: Record<string, () => Promise<{ default: AnyPlugin }>> = {
  exclude: () => import("./transform/exclude.ts"),
  filter: () => import("./transform/filter.ts"),
  mask: () => import("./transform/mask.ts"),
  pick: () => import("./transform/pick.ts"),
  rename: () => import("./transform/rename.ts"),
};

/** Their names. */
export const HOOK_PLUGIN_NAMES: readonly string[] = Object.keys(HOOK_PLUGINS);

/** The built-in plugin of a name in `plugins`; undefined: there is none. */
export async function hookPlugin(name: string): Promise<AnyPlugin | undefined> {
  return Object.hasOwn(HOOK_PLUGINS, name) ? (await HOOK_PLUGINS[name]!()).default : undefined;
}
