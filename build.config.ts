import { defineBuildConfig, type BuildConfig } from "unbuild";

const config: BuildConfig[] = defineBuildConfig({
  entries: [
    { input: "core/index", name: "core/index" },
    { input: "test/contracts/index", name: "test/contracts/index" },
    { input: "bin/cli", name: "bin/cli" },
  ],
  outDir: "dist",
  clean: true,
  declaration: "node16",
  rollup: { emitCJS: false, esbuild: { target: "node24" } },
});
export default config;
