/** Names of tables, states and shards as names of files. */
import { createHash } from "node:crypto";

/** Of a name, so many characters are shown in its file's name. */
const SHOWN = 120;

/**
 * A file name for any text: its first characters, and a hash that tells apart what differs further on, in signs that
 * no file name has, or by case only, which not every file system tells apart.
 */
export function fileNameOf(name: string): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${name.replaceAll(/[^\w.-]/g, "_").slice(0, SHOWN)}.${hash}`;
}
