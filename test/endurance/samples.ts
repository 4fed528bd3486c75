/** What a process and its checkpoints take, looked at from outside. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Db, MongoClient } from "mongodb";

/** One look. */
export interface Sample {
  /** Since the beginning, in s. */
  at: number;
  /** In MB. */
  rss: number;
  descriptors: number;
  /** Documents, or lines of files, of all checkpoints; what remembers for a day which shards are over isn't counted. */
  checkpointParts: number;
  /** In KB, without the same. */
  checkpointKb: number;
}

/** What a checkpoint takes. */
export interface CheckpointSize {
  parts: number;
  bytes: number;
}

const MB = 1024 * 1024;
/** Shards that are over are remembered for 25 h, and so this grows that long. */
const GONE = "gone";

/** Resident memory in MB, and open descriptors. @throws Error when the process has ended */
export function processSize(pid: number): { rss: number; descriptors: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kb = Number(/VmRSS:\s+(\d+)/.exec(status)![1]);
  return { rss: (kb * 1024) / MB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** The checkpoints of an id in MongoDB: NimoShake's database, and our own beside it. */
export async function sizeInMongo(client: MongoClient, id: string): Promise<CheckpointSize> {
  const sizes = await Promise.all(
    [`${id}-checkpoint`, `${id}-checkpoint-state`].map((name) => sizeOf(client.db(name))),
  );
  return sizes.reduce((one, other) => ({ parts: one.parts + other.parts, bytes: one.bytes + other.bytes }));
}

async function sizeOf(db: Db): Promise<CheckpointSize> {
  const size = { parts: 0, bytes: 0 };
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    for await (const document of db.collection(name).find()) {
      if ((document._id as { part?: string }).part === GONE) continue;
      size.parts++;
      size.bytes += JSON.stringify(document).length;
    }
  }
  return size;
}

/** The same in a folder, and in the one beside it. */
export function sizeInFiles(folder: string): CheckpointSize {
  const size = { parts: 0, bytes: 0 };
  for (const root of [folder, `${folder}-state`].filter((each) => existsSync(each))) {
    for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      const file = join(root, path);
      // A file may be replaced in this moment.
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat?.isFile() !== true) continue;
      const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
      const counted = lines.filter((line) => !line.includes(`"${GONE}"`));
      size.parts += counted.length;
      size.bytes += counted.join("\n").length;
    }
  }
  return size;
}
