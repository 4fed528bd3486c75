/** Settings that are valid but whose feature is not built yet. They are refused, never ignored. */
import type { Config, SettingKey } from "./config.ts";
import { MigrationError } from "./errors.ts";

interface NotYet {
  key: SettingKey;
  /** Whether the configuration asks for the feature. */
  asked: (config: Config) => boolean;
  /** The value that works today. */
  instead: string;
}

const NOT_YET: readonly NotYet[] = [
  {
    key: "target.type",
    asked: (config) => config["target.type"] === "aliyun_dynamo_proxy",
    instead: "mongodb",
  },
  { key: "convert.type", asked: (config) => config["convert.type"] === "same", instead: "change" },
];

// Accepted without effect in sync_mode = full, because they only act on streams, as in the original:
// incr_sync_parallel, incr_sync.http_port, qps.incr*, increase.*, on_gap. pid_path never had an effect.

/**
 * Throws NOT_YET, naming every setting whose feature is not built yet and what to set instead.
 * `given` are the keys the user gave, from {@link loadConfig}; a default that is not built yet is refused as well.
 */
export function refuseNotYet(config: Config, given: ReadonlySet<SettingKey>): void {
  const asked = NOT_YET.filter((feature) => feature.asked(config));
  if (asked.length === 0) return;
  const lines = asked.map(({ key }) => {
    const value = config[key];
    const shown = Array.isArray(value) ? value.join(";") : value;
    return `${key} = ${shown}${given.has(key) ? "" : " (the default)"}: not yet`;
  });
  const message =
    lines.length === 1 ? lines.join() : `${lines.length} settings are not built yet\n  ${lines.join("\n  ")}`;
  throw new MigrationError("NOT_YET", message, {
    hint: `use ${asked.map(({ key, instead }) => `--set ${key}=${instead}`).join(" ")}`,
  });
}
