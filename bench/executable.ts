/** The executable as it is shipped: what is measured unless another tool is named, for its start costs half of the sources'. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { say } from "./main.ts";

const ROOT = join(import.meta.dirname, "..");
/** Where `bun run compile` puts it. */
export const EXECUTABLE: string = join(ROOT, "dist/nimo-shake");
/** What it is made of. */
const PARTS = ["core", "plugins", "bin", "package.json", "bun.lock"];

/** Builds it, where a source is newer. */
export function buildExecutable(): void {
  const built = changedAt(EXECUTABLE);
  if (PARTS.every((part) => changedAt(join(ROOT, part)) < built)) return;
  say("building dist/nimo-shake");
  const { success, stderr } = Bun.spawnSync([process.execPath, "run", "compile"], { cwd: ROOT });
  if (!success) throw new Error(`dist/nimo-shake can't be built:\n${stderr.toString()}`);
}

/** When a file was changed, or the file of a folder that was changed last, in ms since 1970; 0: it isn't there. */
function changedAt(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) return found?.mtimeMs ?? 0;
  const files = readdirSync(path, { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => statSync(join(path, file)).mtimeMs));
}
