/** What follows from other keys: the last defaults, and settings that don't count beside others. */
import type { Config } from "./config.ts";
import type { ParsedSettings } from "./settings.ts";

/**
 * Most documents of one write, how many with 0, which is NimoShake's word for its default, and how many without a word
 * from the user; undefined: their bytes decide.
 */
export const BATCHES: Record<
  Config["target.type"],
  { most: number; zero: number; usual: number | undefined }
> = {
  mongodb: { most: 1024, zero: 128, usual: undefined },
  aliyun_dynamo_proxy: { most: 25, zero: 25, usual: 25 }, // BatchWriteItem's limit
  file: { most: 1024, zero: 128, usual: undefined },
  plugin: { most: 1024, zero: 128, usual: 128 },
};

/** `auto` for a target of a plugin's, which may make a pool of this size, and was never called more often at once unasked. */
const PLUGIN_WRITES = 4;

/** Whether a list of tables and one of exceptions are both given. */
export function hasBothLists(parsed: ParsedSettings): boolean {
  return parsed["filter.collection.white"].length > 0 && parsed["filter.collection.black"].length > 0;
}

/** Fills in the defaults that follow from other keys. With both lists all tables are migrated, as the guide says. */
export function complete(parsed: ParsedSettings): Config {
  const type = parsed["checkpoint.type"] ?? (parsed["target.type"] === "mongodb" ? "mongodb" : "file");
  const beside = type === "mongodb" && parsed["target.type"] === "mongodb" ? parsed["target.address"] : "";
  // What only makes tables has nothing to follow, and nothing to enable at the source.
  const mode = parsed.sync_schema_only ? "full" : parsed.sync_mode;
  return {
    ...parsed,
    ...(hasBothLists(parsed) && { "filter.collection.white": [], "filter.collection.black": [] }),
    sync_mode: mode,
    incr_sync_parallel: parsed.incr_sync_parallel && !parsed.sync_schema_only,
    "full.document.write.batch": batchOf(parsed),
    "full.document.concurrency": writesOf(parsed),
    "convert.type": parsed["target.type"] === "aliyun_dynamo_proxy" ? "same" : parsed["convert.type"],
    "full.read.consistent": parsed["full.read.consistent"] ?? mode !== "full",
    "increase.persist.dir": parsed["increase.persist.dir"] || `./${parsed.id}-spool`,
    "report.file": parsed["report.file"] || `./${parsed.id}-report.json`,
    "checkpoint.type": type,
    "checkpoint.address": parsed["checkpoint.address"] || beside,
    "checkpoint.db": parsed["checkpoint.db"] || `${parsed.id}-checkpoint`,
  };
}

function writesOf({
  "full.document.concurrency": asked,
  "target.type": type,
}: ParsedSettings): number | "auto" {
  return asked === "auto" && type === "plugin" ? PLUGIN_WRITES : asked;
}

function batchOf({
  "full.document.write.batch": asked,
  "target.type": type,
}: ParsedSettings): number | undefined {
  // A type that there isn't is reported as such.
  const { zero, usual } = BATCHES[type] ?? BATCHES.plugin;
  if (asked === undefined) return usual;
  return asked === 0 ? zero : asked;
}
