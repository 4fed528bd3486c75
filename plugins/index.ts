import type { Config } from "../core/config.ts";
import type { Plugin } from "../core/plugin.ts";

/** Every built-in plugin. Literal imports, because the compiled executable has no others. */
const BUILTINS: Record<string, () => Promise<{ default: Plugin }>> = {
  "source/dynamodb-scan": () => import("./source/dynamodb-scan.ts"),
  "source/dynamodb-streams": () => import("./source/dynamodb-streams.ts"),
  "convert/change": () => import("./convert/change.ts"),
  "convert/mchange": () => import("./convert/mchange.ts"),
  "convert/raw": () => import("./convert/raw.ts"),
  "checkpoint/file": () => import("./checkpoint/file.ts"),
  "checkpoint/mongodb": () => import("./checkpoint/mongodb.ts"),
  "target/file": () => import("./target/file.ts"),
  "target/mongodb": () => import("./target/mongodb.ts"),
};

/** The built-in plugins that a configuration asks for, but for the converter. */
export async function builtinPlugins(config: Config): Promise<Plugin[]> {
  const names = [
    "source/dynamodb-scan",
    ...(config.sync_mode === "full" ? [] : ["source/dynamodb-streams"]),
    `target/${config["target.type"]}`,
    `checkpoint/${config["checkpoint.type"]}`,
  ];
  return Promise.all(names.map(async (name) => (await BUILTINS[name]!()).default));
}

/** The built-in converter that a configuration asks for. */
export async function converterPlugin(config: Config): Promise<Plugin> {
  return (await BUILTINS[`convert/${config["convert.type"]}`]!()).default;
}
