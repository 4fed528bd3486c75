/** The image without a container engine: the Dockerfile's build steps in a folder, and what they make in a root of its own. */
import { chownSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** The user of distroless images that is called nonroot. */
export const NONROOT = 65532;
/** Into a root's own mounts and processes, as the user; the first process is 1, as in a container. */
const ENTER = `mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && cd / &&
  PATH=$PATH:/usr/sbin:/sbin exec chroot --userspec=${NONROOT}:${NONROOT} "$0" /usr/bin/env -C /work "$@"`;

/** Whether this machine lets one be made and entered. */
export function canEnter(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return Bun.spawnSync(["unshare", "--mount", "--pid", "--fork", "true"]).exitCode === 0;
}

/** The command that runs in a root what `args` say. */
export function inRoot(root: string, ...args: string[]): string[] {
  return ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ENTER, root, ...args];
}

/**
 * Does what the Dockerfile's first stage does.
 *
 * @param folder an empty one
 * @param env the build's arguments
 * @returns the folder that stands for /made
 */
export function buildStage(folder: string, env: Record<string, string>): string {
  const context = join(folder, "nimo-shake");
  const made = join(folder, "made");
  mkdirSync(context);
  for (const path of contextPaths()) cpSync(join(ROOT, path), join(context, path), { recursive: true });
  const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8").replaceAll("\\\n", "");
  for (const [, command] of dockerfile.matchAll(/^RUN (.+)$/gm)) {
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-euc", command!.replaceAll("/made", made)], {
      cwd: context,
      env: { PATH: process.env["PATH"]!, HOME: process.env["HOME"]!, ...env },
    });
    if (exitCode !== 0) throw new Error(`RUN ${command}: exit ${exitCode}\n${stderr.toString()}`);
  }
  return made;
}

/** Lays out the last stage: what is copied into it, and of its base what the executable asks for. */
export function finalStage(root: string, made: string): void {
  const put = (from: string, to = from): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(from, join(root, to));
  };
  const executable = join(made, "nimo-shake");
  put(executable, "/usr/local/bin/nimo-shake");
  // `env` is there only to change the folder, as WORKDIR does.
  put("/usr/bin/env");
  for (const file of [executable, "/usr/bin/env"]) for (const library of libraries(file)) put(library);
  for (const folder of ["proc", "dev"]) mkdirSync(join(root, folder));
  cpSync(join(made, "work"), join(root, "work"), { recursive: true });
  chownSync(join(root, "work"), NONROOT, NONROOT);
}

/** The shared libraries of a program, with their loader. */
function libraries(file: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", file]);
  return [...stdout.toString().matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!);
}

/** What .dockerignore lets through: everything is left out, but for what is named again. */
function contextPaths(): string[] {
  const lines = readFileSync(join(ROOT, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*") throw new Error(".dockerignore doesn't begin with *");
  const out = lines.slice(1).filter((line) => !line.startsWith("!"));
  const kept = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  return kept.flatMap((path) => {
    if (!existsSync(join(ROOT, path))) throw new Error(`.dockerignore names what isn't there: ${path}`);
    const left = out.filter((each) => each.startsWith(`${path}/`)).map((each) => each.slice(path.length + 1));
    if (left.length === 0) return [path];
    return readdirSync(join(ROOT, path))
      .filter((name) => !left.includes(name))
      .map((name) => join(path, name));
  });
}
