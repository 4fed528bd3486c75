/** Whose NimoShake's folder is: a file in the folder beside it, under a name that no migration has. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, openPrivate, removeFile, syncFolder } from "../../../core/host/durable-files.ts";
import { attempt, parseObject, unreadable } from "./state-file.ts";
import { createOwnership, type Ownership } from "../_ownership.ts";

const NAME = "owner.json";

/**
 * A folder's.
 *
 * @param original NimoShake's folder
 * @param ours the folder of all migrations' own states
 */
export function folderOwnership(original: string, ours: string, id: string): Ownership {
  const path = join(ours, NAME);
  return createOwnership({
    id,
    place: `folder ${original}`,
    hint: `set checkpoint.address or checkpoint.db to another folder; if that migration is over, remove ${original}, ${path} and its own folder beside that`,

    async read() {
      const text = await attempt(path, () =>
        readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") return "";
          throw error;
        }),
      );
      try {
        const owner = ownerIn(text);
        if (owner !== undefined) return owner;
      } catch (error) {
        throw unreadable(path, error);
      }
      // No file, or one whose writer didn't come to its end: only an older version can have saved there.
      return attempt(ours, () => follower(ours, id));
    },

    async write() {
      await attempt(path, async () => {
        await makeFolder(ours);
        const handle = await openPrivate(path, "a");
        try {
          const { size } = await handle.stat();
          const line = `${JSON.stringify({ id })}\n`;
          await handle.writeFile(size === 0 ? line : `\n${line}`);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await syncFolder(dirname(path));
      });
    },
  });
}

/**
 * Of two that wrote at once the first counts. A line without its end was being written when the power went; whoever wrote
 * after that began a line of its own.
 */
function ownerIn(text: string): string | undefined {
  let problem: unknown;
  for (const [i, line] of text.split("\n").entries()) {
    if (line === "") continue;
    try {
      return String(parseObject(line, i)["id"]);
    } catch (error) {
      problem ??= error;
    }
  }
  if (problem !== undefined && text.endsWith("\n")) throw problem;
  return undefined;
}

/** Removes what says whose it is. */
export function removeOwner(ours: string): Promise<void> {
  const path = join(ours, NAME);
  return attempt(path, () => removeFile(path));
}

/** An older version noted no owner: the one other migration that has noted streams, unless this one has, too. */
async function follower(ours: string, id: string): Promise<string | undefined> {
  const ids = await readdir(ours).catch(() => []);
  const following: string[] = [];
  for (const each of ids) {
    const names = await readdir(join(ours, each)).catch(() => []);
    if (names.some((name) => name.startsWith("stream_"))) following.push(each);
  }
  return following.includes(id) ? undefined : following[0];
}
