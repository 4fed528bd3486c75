/** Homebrew's formula of a release: the example with its version, its address and its checksums. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./made-from.ts";

/** What a formula is of. */
export interface FormulaOf {
  version: string;
  /** At GitHub: `owner/name`. */
  repository: string;
  /** SHA-256 of an archive, by the name of its target; undefined: there is none. */
  checksum: (target: string) => string | undefined;
}

/** @throws Error when an archive that it names has no checksum */
export function formula({ version, repository, checksum }: FormulaOf): string {
  const example = readFileSync(join(ROOT, "examples/homebrew/nimo-shake.rb"), "utf8");
  return example.replaceAll("OWNER/nimo-shake", repository).replaceAll(/@([\w-]+)@/g, (_, name: string) => {
    const value = name === "version" ? version : checksum(name);
    if (value === undefined) throw new Error(`the formula names an archive that isn't there: ${name}`);
    return value;
  });
}
