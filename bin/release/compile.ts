/** Makes the executable: `bun run compile [--outfile FILE] [--target NAME]`; `release.ts` makes all. */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import type { BuildInfo } from "../build-info.ts";
import { madeFrom, ROOT } from "./made-from.ts";
import { targetNamed } from "./targets.ts";

const FLAGS = [
  "--compile",
  "--minify-whitespace",
  "--minify-syntax",
  "--sourcemap=none",
  "--format=esm",
  "--bytecode",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--compile-autoload-package-json",
];

/**
 * Compiles the command line.
 *
 * @param target as Bun calls it; it fetches what it needs for another machine from the npm registry, once. Undefined: this one
 * @param build what `-version` says beside the version
 */
export function compile(outfile: string, target: string | undefined, build: Partial<BuildInfo>): void {
  const args = [
    ...FLAGS,
    ...(target === undefined ? [] : [`--target=${target}`]),
    `--define=NIMO_SHAKE_BUILD=${JSON.stringify(build)}`,
    `--outfile=${outfile}`,
  ];
  execFileSync(process.execPath, ["build", ...args, "bin/cli.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { outfile: { type: "string", default: "dist/nimo-shake" }, target: { type: "string" } },
  });
  const target = values.target === undefined ? undefined : targetNamed(values.target);
  compile(values.outfile, target?.bun, { ...madeFrom(), ...(target && { platform: target.name }) });
}
