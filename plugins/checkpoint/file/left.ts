/** How the last of a migration goes from a checkpoint's folders. */
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../../core/host/durable-files.ts";
import { namesIn } from "./drafts.ts";
import { attempt } from "./state-file.ts";

/** What the lease and the writing of states leave beside the states. */
const OURS = /^(?:lease(?:\..*)?|drafts\..*|gone\..*|.*\.new)$/s;
/** A folder that isn't empty stays, and so does what is another's. */
const STAYS = new Set(["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR", "EBUSY", "EPERM", "EACCES"]);

/** Removes what is in a migration's folder beside states, and the folders that are empty then, from the first one on. */
export async function removeFolders(...folders: [own: string, ...others: string[]]): Promise<void> {
  const [own] = folders;
  await attempt(own, async () => {
    for (const name of await namesIn(own)) {
      if (OURS.test(name)) await rm(join(own, name), { recursive: true, force: true });
    }
    for (const folder of folders) {
      await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (!STAYS.has(error.code ?? "")) throw error;
      });
      await syncFolder(join(folder, ".."));
    }
  });
}
