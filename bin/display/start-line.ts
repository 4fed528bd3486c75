/** The first line of a run: which version, which migration, and from where to where. */
import type { Config } from "../../core/config/config.ts";
import { describeConfig } from "../../core/config/redact.ts";
import type { RunIdentity } from "../../core/progress/run-status.ts";
import type { Fields } from "../log/entry.ts";

/** As consola takes a message with fields. */
export function startLine({ pid: _pid, host: _host, ...places }: RunIdentity): Fields & { message: string } {
  const { version, id, syncMode, source, target, checkpoint } = places;
  const message = `nimo-shake ${version}, id = ${id}, sync_mode = ${syncMode}; source: ${source}; target: ${target}; checkpoint: ${checkpoint}`;
  return { message, ...places };
}

/** What is set, key by key. */
export function configLine(config: Config): string {
  const shown = Object.entries(describeConfig(config)).filter(([, value]) => value !== "");
  return `configuration: ${shown.map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join(", ")}`;
}
