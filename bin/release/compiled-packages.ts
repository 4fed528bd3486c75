/** The packages of which a module is compiled into the executable, as the bundler says it: bin/cli.ts, and the page in it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The executable's beginning, and that of the page, which it holds as a text. */
const ENTRIES = [
  { file: "bin/cli.ts", target: "bun" },
  { file: "bin/page/main.ts", target: "browser" },
] as const;

const MODULES = "node_modules/";

/** A package that is compiled in. */
export interface Package {
  /** Its folder, from the top one: `node_modules/log-update/node_modules/string-width`. */
  path: string;
  manifest: { name: string; version: string };
  /** Of the package as it was fetched, in hexadecimal digits. */
  sha512: string;
  /** A module of this project imports it. */
  isDirect: boolean;
  /** The folders of those that its modules import. */
  imports: string[];
}

/** What of bun.lock counts here: a package's name and version, and what it was checked against when it was fetched. */
interface Lock {
  packages: Record<string, [nameAndVersion: string, ...rest: unknown[]]>;
}

/**
 * Finds them, in the order of their folders.
 *
 * @param root the project's folder
 * @throws Error when one of them isn't the one in bun.lock
 */
export async function compiledPackages(root: string): Promise<Package[]> {
  const imports = new Map<string, Set<string>>();
  const direct = new Set<string>();
  for (const { file, target } of ENTRIES) {
    const { inputs } = await modulesOf(join(root, file), target);
    for (const [module, { imports: all }] of Object.entries(inputs)) {
      const importing = folderOf(module);
      const seen = importing === undefined ? direct : (imports.get(importing) ?? new Set());
      if (importing !== undefined) imports.set(importing, seen);
      for (const { path } of all) {
        const imported = path in inputs ? folderOf(path) : undefined;
        if (imported !== undefined && imported !== importing) seen.add(imported);
      }
    }
  }
  const { default: lock } = (await import(join(root, "bun.lock"), { with: { type: "jsonc" } })) as {
    default: Lock;
  };
  return [...imports]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, others]) => {
      const manifest = JSON.parse(
        readFileSync(join(root, path, "package.json"), "utf8"),
      ) as Package["manifest"];
      const sha512 = checksumOf(lock, path, manifest);
      return { path, manifest, sha512, isDirect: direct.has(path), imports: [...others].toSorted() };
    });
}

async function modulesOf(entry: string, target: "bun" | "browser"): Promise<Bun.BuildMetafile> {
  const { metafile } = await Bun.build({ entrypoints: [entry], target, metafile: true });
  return metafile!;
}

/** The folder of a module's package; undefined: it is one of this project's. */
function folderOf(module: string): string | undefined {
  const from = module.indexOf(MODULES);
  if (from === -1) return undefined;
  return /^(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+/.exec(module.slice(from))?.[0].slice(0, -1);
}

function checksumOf(lock: Lock, path: string, { name, version }: Package["manifest"]): string {
  const [found, ...rest] = lock.packages[path.slice(MODULES.length).replaceAll(`/${MODULES}`, "/")] ?? [];
  const checksum = rest.find(
    (each): each is string => typeof each === "string" && each.startsWith("sha512-"),
  );
  if (found !== `${name}@${version}` || checksum === undefined)
    throw new Error(`${path} is ${name}@${version}, in bun.lock ${found ?? "nothing"}: bun install`);
  return Buffer.from(checksum.slice("sha512-".length), "base64").toString("hex");
}
