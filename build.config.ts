/** What `bun run build` makes: the files of the npm package. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { madeFrom } from "./bin/release/made-from.ts";
import { defineBuildConfig, type BuildConfig } from "unbuild";

const config: BuildConfig[] = defineBuildConfig({
  entries: [
    { input: "core/index", name: "core/index" },
    { input: "test/contracts/index", name: "test/contracts/index" },
    { input: "bin/cli", name: "bin/cli" },
  ],
  outDir: "dist",
  clean: false,
  hooks: {
    // the executables and the release that are put beside are left alone
    "build:before"({ options: { outDir } }) {
      mkdirSync(outDir, { recursive: true });
      for (const entry of readdirSync(outDir, { withFileTypes: true }))
        if (entry.isDirectory() && !["release", "executables"].includes(entry.name))
          rmSync(`${outDir}/${entry.name}`, { recursive: true });
    },
  },
  declaration: "node16",
  rollup: {
    emitCJS: false,
    esbuild: { target: "node24", define: { NIMO_SHAKE_BUILD: JSON.stringify({ ...madeFrom() }) } },
  },
});
export default config;
