/**
 * The packed package as a stranger gets it: its types in a strict project, the library under Node and Deno, the command.
 * `bun test/package.ts`, after `bun run build`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { documentedExports } from "./docstrings.ts";

const ROOT = resolve(import.meta.dir, "..");
const MODULES = join(ROOT, "node_modules");
/** The oldest major version, as package.json has it. */
const NODE = 24;
const folder = mkdtempSync(join(tmpdir(), "nimo-shake-package-"));

/** Types alone are enough to write a plugin, and a wrong one is told. */
const PLUGIN = `import { definePlugin, type Plugin } from "nimo-shake";

export default definePlugin({
  name: "typed",
  setup(ctx) {
    ctx.hook("fetch:after", (e) => e.keep((item) => item["status"]?.S === "paid"));
    // @ts-expect-error -- no such hook
    ctx.hook("fetched", () => {});
  },
});
// @ts-expect-error -- a plugin has a setup
export const bad: Plugin = { name: "bad" };
`;

/** What a docstring takes for an author's own source. */
const SOURCE = `import { definePlugin, type Item } from "nimo-shake";
export default definePlugin({ name: "my-source", setup() {} });
export const itemsOf = (table: string): Item[] => [{ pk: { S: table } }];
`;

try {
  install();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "plugin.ts"), PLUGIN);
  const strict = {
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    module: "nodenext",
    target: "esnext",
    types: ["node"],
  };
  const examples = writeExamples();
  const compilerOptions = { ...strict, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["plugin.ts", ...examples] }),
  );
  run("types", process.execPath, join(MODULES, "typescript/bin/tsc"), "-p", folder);

  // The same test from the repository, with the package's name for its imports.
  const smoke = await Bun.file(join(ROOT, "test/deno.smoke.ts")).text();
  const transpiler = new Bun.Transpiler({ loader: "ts", target: "node" });
  const code = transpiler.transformSync(smoke.replace("../core/index.ts", "nimo-shake"));
  writeFileSync(join(folder, "smoke.test.mjs"), code);
  const node = nodeCommand();
  run("Node", ...node, "--test", "smoke.test.mjs");
  run("Deno", "deno", "test", "-A", "--no-check", "smoke.test.mjs");
  const version = run(
    "the command",
    ...node,
    join(folder, "node_modules/nimo-shake/dist/bin/cli.mjs"),
    "-version",
  );
  if (!/^nimo-shake \d\S+ \((commit [0-9a-f]{10}\+?, \d{4}-\d\d-\d\d, )?\w+-\w+\)\n$/.test(version))
    throw new Error(`no version: ${version}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The examples of docstrings, beside what they import. Gives their files. */
function writeExamples(): string[] {
  for (const name of ["json-checkpoint.ts", "ndjson.ts"])
    copyFileSync(join(ROOT, "examples/plugins", name), join(folder, name));
  writeFileSync(join(folder, "my-source.ts"), SOURCE);
  const all = [...documentedExports("nimo-shake"), ...documentedExports("nimo-shake/test")];
  return all.flatMap(({ name, examples }) =>
    examples.map((code, i) => {
      const file = `example-${name}-${i}.ts`;
      writeFileSync(join(folder, file), code);
      return file;
    }),
  );
}

/** A Node as the package asks for; the machine's own may be older. */
function nodeCommand(): [file: string, ...args: string[]] {
  const { stdout } = spawnSync("node", ["-v"], { encoding: "utf8" });
  return Number(/^v(\d+)/.exec(stdout ?? "")?.[1]) >= NODE
    ? ["node"]
    : ["npx", "--yes", "-p", `node@${NODE}`, "node"];
}

/** Packs the package and puts it beside the repository's own dependencies. */
function install(): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "nimo-shake"), { recursive: true });
  for (const name of readdirSync(MODULES)) {
    if (!name.startsWith(".")) symlinkSync(join(MODULES, name), join(modules, name));
  }
  execFileSync(process.execPath, ["pm", "pack", "--destination", folder, "--quiet"], { cwd: ROOT });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  execFileSync("tar", ["xzf", join(folder, tarball), "-C", folder]);
  cpSync(join(folder, "package"), join(modules, "nimo-shake"), { recursive: true });
}

function run(what: string, ...[file, ...args]: [file: string, ...args: string[]]): string {
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`${what}: exit ${status}\n${stdout}\n${stderr}`);
  process.stdout.write(`package: ${what}: fine\n`);
  return stdout;
}
