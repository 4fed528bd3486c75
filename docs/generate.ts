/** `bun run docs`: the pages that are made from the source; `--check` says which are stale and changes nothing. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorsPage } from "./generate/errors.ts";
import { keysPage } from "./generate/keys.ts";

/** By their names in this folder, what they should have. */
const PAGES: Record<string, () => string> = { "errors.md": errorsPage, "keys.md": keysPage };

/** The pages that aren't what the source says, with what they should be. */
export function stalePages(): { name: string; text: string }[] {
  return Object.entries(PAGES)
    .map(([name, make]) => ({ name, text: make() }))
    .filter(({ name, text }) => {
      const path = join(import.meta.dirname, name);
      return !existsSync(path) || readFileSync(path, "utf8") !== text;
    });
}

if (import.meta.main) {
  const stale = stalePages();
  if (process.argv.includes("--check")) {
    for (const { name } of stale) console.error(`docs/${name} is stale: bun run docs`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const { name, text } of stale) writeFileSync(join(import.meta.dirname, name), text);
    console.log(
      stale.length === 0 ? "all is current" : `written: ${stale.map(({ name }) => name).join(", ")}`,
    );
  }
}
