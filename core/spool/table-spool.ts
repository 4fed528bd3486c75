/** The folder of stream records that were read and not applied yet: a folder a table, in it files by shard. */
import { rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileNameOf } from "../host/file-name.ts";
import { makeFolder } from "../host/durable-files.ts";
import { namesIn } from "./segment-files.ts";
import { openShardLog, type ShardLog } from "./shard-log.ts";
import { attempt, type MayWrite } from "./spool-errors.ts";

/** A table's part of the spool. */
export interface TableSpool {
  /** For messages. */
  readonly folder: string;
  /** Whether an earlier process has left something there. */
  isLeft(): Promise<boolean>;
  /** Opens a shard's, to be called once a shard. */
  shard(id: string): Promise<ShardLog>;
  /** Removes it, and the spool's own folder when nothing else is in it. */
  remove(): Promise<void>;
}

/**
 * A table's part of the spool of the run `id` in `increase.persist.dir`; nothing is made before the first record.
 *
 * @param mayWrite is asked before every change of what is there
 */
export function openTableSpool(
  dir: string,
  id: string,
  table: string,
  mayWrite: MayWrite = () => {},
): TableSpool {
  // Several runs may have one folder.
  const folder = join(resolve(dir), fileNameOf(`${table}@${id}`));
  let names: Promise<string[]> | undefined;
  const found = (): Promise<string[]> =>
    (names ??= attempt(`reading ${folder}`, mayWrite, () => namesIn(folder)));
  let made: Promise<void> | undefined;

  return {
    folder,

    isLeft: async () => (await found()).length > 0,

    async shard(shard) {
      const left = await found();
      // Another table may have taken the common folder away in between, which was empty.
      const make = (): Promise<void> => makeFolder(folder);
      await mayWrite();
      await (made ??= attempt(`making ${folder}`, mayWrite, () => make().catch(make)));
      return openShardLog({ id, table, shard, folder, prefix: fileNameOf(shard) }, left, undefined, mayWrite);
    },

    async remove() {
      await mayWrite();
      await attempt(`removing ${folder}`, mayWrite, async () => {
        await rm(folder, { recursive: true, force: true });
        // What other tables have there stays.
        await rmdir(resolve(dir)).catch(() => {});
      });
      names = made = undefined;
    },
  };
}
