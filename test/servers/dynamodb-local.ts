/** DynamoDB Local where the user has it, or a Java that its vendor's download can run on. It is under its vendor's terms. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cached, fetchOnce } from "./cache.ts";
import { isExecutable, onPath, run, runOnce } from "./command.ts";
import { download, verifySha256 } from "./download.ts";
import type { ServerCommand } from "./dynamodb.ts";
import type { Way } from "./ways.ts";

const SECOND = 1000;
const OLDEST_JAVA = 17;
const DOWNLOAD = "https://d1ni2b6xgvw0s0.cloudfront.net/v2.x/dynamodb_local_latest.tar.gz";
const DOWNLOADED = "dynamodb-local";
const TERMS =
  "DynamoDB Local is under its vendor's terms: https://aws.amazon.com/dynamodb/dynamodblocallicense/";

/** In this order: the PATH, DYNAMODB_LOCAL_HOME, the vendor's download. */
export const dynamoDBLocal: Way<ServerCommand>[] = [
  {
    name: "dynamodb-local on the PATH",
    async have() {
      const file = onPath("dynamodb-local");
      return file ? command(file, []) : undefined;
    },
  },
  {
    name: "DYNAMODB_LOCAL_HOME",
    have: async () => fromFolder(process.env.DYNAMODB_LOCAL_HOME),
  },
  {
    name: "download of DynamoDB Local",
    have: async () => fromFolder(cached(DOWNLOADED)),
    async fetch() {
      await findJava();
      return fromFolder(
        await fetchOnce(DOWNLOADED, "DynamoDB Local (about 60 MB)", async (owned) => {
          console.error(TERMS);
          const archive = join(owned.folder, "dynamodb_local.tar.gz");
          await download(DOWNLOAD, archive);
          await verifySha256(archive, `${DOWNLOAD}.sha256`);
          await run(owned, "tar", ["-xzf", archive], 60 * SECOND);
          rmSync(archive);
        }),
      );
    },
  },
];

/** The command for an unpacked archive. */
async function fromFolder(home: string | undefined): Promise<ServerCommand | undefined> {
  if (!home) return undefined;
  const folders = [home, join(home, "DynamoDBLocal_lib")].filter((folder) => existsSync(folder));
  if (!folders.some((folder) => readdirSync(folder).some((name) => /^DynamoDBLocal.*\.jar$/.test(name)))) {
    throw new Error(`no DynamoDBLocal.jar in ${home}`);
  }
  return command(await findJava(), [
    `-Djava.library.path=${folders.join(delimiter)}`,
    "-cp",
    folders.map((folder) => join(folder, "*")).join(delimiter),
    "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
  ]);
}

function command(file: string, args: string[]): ServerCommand {
  return {
    file,
    // it has no option for the address it listens on: it is all of them
    args: (port) => [...args, "-inMemory", "-sharedDb", "-port", String(port)],
    // Java is to unpack SQLite into our folder and leave no counters in /tmp, also from within a launcher script
    env(_port, folder) {
      const options = `${process.env.JAVA_TOOL_OPTIONS ?? ""} "-Djava.io.tmpdir=${folder}" -XX:-UsePerfData`;
      return { ...process.env, DDB_LOCAL_TELEMETRY: "0", JAVA_TOOL_OPTIONS: options.trim() };
    },
  };
}

async function findJava(): Promise<string> {
  const { JAVA_HOME } = process.env;
  const java = JAVA_HOME ? join(JAVA_HOME, "bin", "java") : onPath("java");
  if (!java || !isExecutable(java)) throw new Error(`no Java ${OLDEST_JAVA} or later for it`);
  const version = /version "(\d+)/.exec(await runOnce(java, ["-version"], 30 * SECOND))?.[1];
  if (Number(version) >= OLDEST_JAVA) return java;
  throw new Error(`${java} is version ${version ?? "unknown"}, ${OLDEST_JAVA} or later is needed`);
}
