/** NimoShake's checkpoint files: a JSON line a shard, and the status as one JSON object without a line's end. */
import { readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, syncFolder } from "../../../core/host/durable-files.ts";
import { fileNameOf } from "../../../core/host/file-name.ts";
import { STATUS, STATUS_TABLE, originalName, statusDocument } from "../_nimoshake.ts";
import type { States } from "../_queue.ts";
import { attempt, parseObject, removeFile, unreadable, writeSynced } from "./state-file.ts";

/** What {@link originalFiles} gives. */
export interface OriginalFiles {
  read(name: string): Promise<States>;
  write(name: string, states: States): Promise<void>;
  remove(name: string): Promise<void>;
}

/**
 * NimoShake's files.
 *
 * @param folder where they are; NimoShake takes every file there for one of its own
 * @param draft where a file of a name is written first, in a folder of ours on the same disk
 */
export function originalFiles(folder: string, draft: (name: string) => string): OriginalFiles {
  const pathOf = (name: string): string => join(folder, fileOf(name));
  const draftOf = (name: string): string => draft(`${fileNameOf(fileOf(name))}.original.new`);

  return {
    read: (name) => readOriginal(folder, name),

    async write(name, states) {
      // The status is all of its file, and a file without it is none.
      if (name === STATUS && states.size === 0) return removeFile(pathOf(name), draftOf(name));
      const path = pathOf(name);
      const next = draftOf(name);
      const text =
        name === STATUS
          ? JSON.stringify(statusDocument(JSON.parse(states.get(STATUS)!)))
          : [...states.values()].map((row) => `${row}\n`).join("");
      await attempt(path, async () => {
        await makeFolder(folder);
        await writeSynced(next, text);
        await rename(next, path);
        await syncFolder(dirname(path));
      });
    },

    remove: (name) => removeFile(pathOf(name), draftOf(name)),
  };
}

/** The file that a name is kept in. */
function fileOf(name: string): string {
  const original = originalName(name)!;
  return original === "status" ? STATUS_TABLE : original.table;
}

/** What is kept under a name in NimoShake's folder; of a file that isn't there nothing. */
export async function readOriginal(folder: string, name: string): Promise<States> {
  const path = join(folder, fileOf(name));
  const text = await attempt(path, () =>
    readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    }),
  );
  try {
    return name === STATUS ? parseStatus(text) : parseRows(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A last line without its end was being written when NimoShake stopped; it ignores it, too. */
function parseRows(text: string): States {
  const lines = text.split("\n").slice(0, -1);
  return new Map(lines.map((line, i) => [String(parseObject(line, i)["ShardId"]), line]));
}

function parseStatus(text: string): States {
  if (text === "") return new Map();
  const { StatusValue } = parseObject(text, 0);
  return new Map([[STATUS, JSON.stringify(StatusValue)]]);
}
