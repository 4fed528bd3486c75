/** In how many segments tables are read, and how many at once. */
import type { Config } from "./config.ts";
import type { Table } from "../types.ts";

const SEGMENT_BYTES = 128 * 1024 * 1024;
/** Requests at once at most: Bun's fetch has 256 connections, and who waits for one would seem late. */
const MOST_LANES = 200;
const LANES_PER_CORE = 4;
const FEWEST_LANES = 8;
/** Many more segments than lanes, so that the last ones are short. */
const SEGMENTS_PER_LANE = 4;

/**
 * How many segments are read at once, over all tables.
 *
 * @param cores what the machine has for this process, `os.availableParallelism()`
 */
export function readLanes(config: Config, cores: number): number {
  const segments = config["full.read.concurrency"];
  const wanted =
    segments === "auto"
      ? Math.max(FEWEST_LANES, LANES_PER_CORE * cores)
      : config["full.concurrency"] * segments;
  return Math.min(wanted, MOST_LANES);
}

/** In how many segments a table is read; with `auto` by its size, else as the configuration says. */
export function segmentCount(config: Config, { sizeBytes }: Pick<Table, "sizeBytes">, cores: number): number {
  const segments = config["full.read.concurrency"];
  if (segments !== "auto") return segments;
  const most = SEGMENTS_PER_LANE * readLanes(config, cores);
  return Math.min(Math.max(Math.ceil(sizeBytes / SEGMENT_BYTES), 1), most);
}
