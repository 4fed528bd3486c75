/** How long each test file took last time, in the user's cache. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./servers/cache.ts";

const FILE = "test-times.json";

/** By file, in ms; empty when nothing is known. */
export function readTimes(): Map<string, number> {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(join(cacheFolder(), FILE), "utf8"))));
  } catch {
    return new Map();
  }
}

/** Keeps the times of these files, beside what is known of others. */
export function writeTimes(files: { file: string; ms: number }[]): void {
  const times = readTimes();
  for (const { file, ms } of files) times.set(file, Math.round(ms));
  mkdirSync(cacheFolder(), { recursive: true });
  writeFileSync(join(cacheFolder(), FILE), JSON.stringify(Object.fromEntries(times)));
}
