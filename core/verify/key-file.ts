/** The keys that wait for a look. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PRIVATE_FOLDER } from "../host/durable-files.ts";
import type { Item } from "../types.ts";
import { createLineFile } from "./line-file.ts";

/** A key that is looked at again, and what the last look has seen. */
export interface Pending {
  key: Item;
  /** Digests of both sides, see `Look`; undefined: no look yet. */
  source?: string;
  target?: string;
  /** At how many looks both were the same as at the one before; and the target alone. */
  same?: number;
  still?: number;
}

/** Makes a file of keys that are looked at for the first time; gives its path. */
export async function keyFile(
  folder: string,
  keys: AsyncIterable<Item[]> | Iterable<Item[]>,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const file = await createLineFile<Pending>(join(folder, "suspects.jsonl"));
  try {
    for await (const some of keys) await file.add(some.map((key) => ({ key })));
  } finally {
    await file.close();
  }
  return file.path;
}
