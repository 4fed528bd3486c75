/** Whether a folder can be written to, without writing to it. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";

/** Throws what the system says when a folder can't be written to, or made; changes nothing. */
export async function checkFolder(folder: string): Promise<void> {
  try {
    // With its slash it must be a folder.
    await access(`${folder}/`, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await checkFolder(dirname(folder));
  }
}

/** Why a folder can't be written to, or made; undefined: it can. */
export async function whyNotWritable(folder: string): Promise<string | undefined> {
  try {
    await checkFolder(folder);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
