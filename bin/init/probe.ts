/** Either side's connection tried, as a run would have it. */
import type { Config } from "../../core/config/config.ts";
import { loadConfig } from "../../core/config/load.ts";
import { toMigrationError } from "../../core/errors.ts";
import { hearing } from "../../core/flow/attempt.ts";
import type { Table } from "../../core/types.ts";
import { createContext } from "../../core/run/context.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import type { Texts } from "./conf-text.ts";

/** Who answers at all does so by then, in ms. */
const PATIENCE = 3000;
/** A name that a table of a DynamoDB target may have, and none has. */
const NO_TABLE = "nimo-shake.init.probe";
/** Stands for what isn't known yet: only the source is looked at. */
const UNKNOWN: Texts = { "target.type": "file", "target.address": "unknown", sync_mode: "full" };

/**
 * The source's tables, but for one that is deleted meanwhile.
 *
 * @throws MigrationError what keeps them from being seen
 */
export async function probeSource(texts: Texts): Promise<Table[]> {
  const source = Object.entries(texts).filter(([key]) => key.startsWith("source."));
  const config = configOf({ ...Object.fromEntries(source), ...UNKNOWN });
  await using ctx = createContext({ config, patience: PATIENCE });
  await ctx.use((await builtinPlugin("source", config))!);
  // Between the list and the look at each of them.
  const attempt = hearing((thrown) => {
    if (toMigrationError(thrown).code !== "SOURCE_GONE") throw thrown;
  });
  return await ctx.role("source").tables(ctx.signal, attempt);
}

/**
 * Connects to the target, and changes nothing; gives it in words.
 *
 * @throws MigrationError what keeps it from being used
 */
export async function probeTarget(texts: Texts): Promise<string> {
  const config = configOf(texts);
  await using ctx = createContext({ config, patience: PATIENCE });
  const plugin = await builtinPlugin("target", config);
  if (plugin === undefined) return "what a plugin provides";
  await ctx.use(plugin);
  const target = ctx.role("target");
  await target.check([], ctx.signal);
  await target.find(tableOf(NO_TABLE), ctx.signal);
  return target.place;
}

function configOf(texts: Texts): Config {
  return loadConfig({ set: texts as Record<string, string> }).config;
}

function tableOf(name: string): Table {
  const keys = { partition: { name: "pk", type: "S" } } as const;
  return { name, targetName: name, keys, secondary: [], itemCount: 0, sizeBytes: 0 };
}
