/** The page of configuration keys. */
import { type Setting, SETTINGS } from "../../core/config/settings.ts";
import { COMPARED_KEYS } from "../../core/checkpoint/fingerprint.ts";
import { CHANGEABLE } from "../../core/run/control.ts";
import { groupSettings } from "../../bin/init/setting-groups.ts";
import { code, GENERATED, table } from "./markdown.ts";

const INTRODUCTION = `One \`key = value\` a line in the configuration file; a line that begins with \`#\` is a comment. An empty value means the default.

Values come from, strongest first: \`--set key=value\`, the environment, the file, the default. In the environment a key is \`NIMO_\` and
its name in capitals, with \`_\` for \`.\`: \`NIMO_TARGET_ADDRESS\`. A key that doesn't exist is an error that names the nearest one.
Options of plugins are \`plugin.<name>.<option>\`: see [plugins](plugins.md).

A key with * can be changed while a run goes on, by \`nimo-shake set\`: see [steering](steering.md). What each key does to speed and cost
stands in [performance](performance.md), what NimoShake makes of its keys in [from NimoShake](from-nimoshake.md).

A start goes on with a run that is begun only where these are as they were, and the options of plugins:
${COMPARED_KEYS.map(code).join(", ")}.`;

const changeable: ReadonlySet<string> = new Set(CHANGEABLE);

/** The page. */
export function keysPage(): string {
  const groups = groupSettings(SETTINGS).map(
    ([title, settings]) =>
      `## ${title[0]!.toUpperCase()}${title.slice(1)}\n\n${table(["key", "default", "meaning"], settings.map(rowOf))}`,
  );
  return `# Configuration keys\n\n${GENERATED}\n\n${INTRODUCTION}\n\n${groups.join("\n\n")}\n`;
}

function rowOf({ key, default: fallback, description }: Setting): string[] {
  return [
    `${code(key)}${changeable.has(key) ? " *" : ""}`,
    code(fallback),
    description.replaceAll("`", "\\`"),
  ];
}
