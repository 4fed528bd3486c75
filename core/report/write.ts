/** A report on the disk: the whole of it or the one before. */
import { rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { withStrings } from "../config/redact.ts";
import { makeFolder, syncFolder, withFile } from "../host/durable-files.ts";
import type { Report } from "./report.ts";

/**
 * Writes a report; only who runs the tool may read it, for keys are in it.
 *
 * @param path from the working folder; its folder is made
 * @param redact hides secrets in every text
 * @throws what the system says; what was there before is as it was then
 */
export async function writeReport(
  path: string,
  report: Report,
  redact: (text: string) => string,
): Promise<void> {
  const file = resolve(path);
  const unfinished = `${file}.${process.pid}.tmp`;
  const text = `${JSON.stringify(withStrings(report, redact), undefined, 2)}\n`;
  await makeFolder(dirname(file));
  try {
    await withFile(unfinished, "w", async (handle) => {
      await handle.writeFile(text);
      await handle.sync();
    });
    await rename(unfinished, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
