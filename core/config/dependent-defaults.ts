/** What follows from other keys: the last defaults, and settings that don't count beside others. */
import type { Config } from "./config.ts";
import type { ParsedSettings } from "./settings.ts";

/** Most documents of one write, and how many without a word from the user. */
export const BATCHES: Record<Config["target.type"], { most: number; usual: number }> = {
  mongodb: { most: 1024, usual: 128 },
  aliyun_dynamo_proxy: { most: 25, usual: 25 }, // BatchWriteItem's limit
  file: { most: 1024, usual: 128 },
  plugin: { most: 1024, usual: 128 },
};

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
    "full.document.write.batch":
      parsed["full.document.write.batch"] ?? BATCHES[parsed["target.type"]]?.usual ?? 0,
    "convert.type": parsed["target.type"] === "aliyun_dynamo_proxy" ? "same" : parsed["convert.type"],
    "full.read.consistent": parsed["full.read.consistent"] ?? mode !== "full",
    "increase.persist.dir": parsed["increase.persist.dir"] || `./${parsed.id}-spool`,
    "report.file": parsed["report.file"] || `./${parsed.id}-report.json`,
    "checkpoint.type": type,
    "checkpoint.address": parsed["checkpoint.address"] || beside,
    "checkpoint.db": parsed["checkpoint.db"] || `${parsed.id}-checkpoint`,
  };
}
