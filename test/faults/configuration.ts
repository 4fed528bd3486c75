/** Under which configuration a schedule is played: drawn, and what of it may change between two starts. */
import type { Settings } from "../e2e/helpers.ts";
import type { Random } from "./random.ts";

/** What is drawn of a configuration. */
export interface Configuration {
  target: "mongodb" | "aliyun_dynamo_proxy" | "file";
  checkpoint: "mongodb" | "file";
  /** `incr_sync_parallel`. */
  spool: boolean;
  convert: "change" | "mchange" | "raw" | "same";
  /** none; one that leaves out items with an attribute `hidden`; one whose hooks look at everything and change nothing. */
  plugin: "none" | "filter" | "looker";
  onGap: "fail" | "resync";
  /** The rest, which may change between starts, but for `full.read.concurrency`. */
  settings: Settings;
}

/** What a schedule is asked to be, where it isn't drawn. */
export type Wanted = Partial<Pick<Configuration, "target" | "checkpoint" | "convert" | "plugin" | "onGap">>;

/**
 * Draws one; what is wanted takes the place of what was drawn, so that all else stays as it is.
 *
 * @param targets those that the world has
 */
export function drawConfiguration(
  random: Random,
  targets: readonly Configuration["target"][],
  wanted: Wanted = {},
): Configuration {
  const target = random.pick(targets);
  const drawn = {
    target,
    checkpoint: random.pick(["mongodb", "file"] as const),
    spool: random.chance(0.5),
    convert: random.pick(["change", "change", "mchange", "raw"] as const),
    plugin: random.pick(["none", "none", "filter", "looker"] as const),
    onGap: random.pick(["fail", "resync"] as const),
    ...wanted,
  };
  const fixed = { "full.read.concurrency": random.between(1, 4) };
  return {
    ...drawn,
    convert: drawn.target === "aliyun_dynamo_proxy" ? "same" : drawn.convert,
    settings: { ...fixed, ...drawChanges(random) },
  };
}

/** Settings that may be others at every start; all of them are drawn anew. */
export function drawChanges(random: Random): Settings {
  return {
    "increase.concurrency": random.between(1, 16),
    "full.concurrency": random.between(1, 4),
    "full.document.concurrency": random.between(1, 8),
    "full.document.write.batch": random.between(1, 25),
    "qps.full": random.between(15, 60),
    "qps.full.batch_num": random.between(20, 60),
    "qps.incr": random.between(60, 1000),
    "qps.incr.batch_num": random.pick([40, 200, 0, 0]),
    "full_sync.http_port": random.pick([-1, 0]),
    "incr_sync.http_port": random.pick([-1, 0]),
    "log.format": random.pick(["text", "text", "json"]),
    "log.level": random.pick(["info", "info", "debug"]),
  };
}

/** A configuration in a few words, for the table. */
export function describe({ target, checkpoint, spool, convert, plugin, onGap }: Configuration): string {
  const words: string[] = [
    target === "aliyun_dynamo_proxy" ? "proxy" : `${target} ${convert}`,
    `checkpoint ${checkpoint}`,
  ];
  if (spool) words.push("spool");
  if (plugin !== "none") words.push(plugin);
  if (onGap === "resync") words.push("resync");
  return words.join(", ");
}
