/** A DynamoDB for tests: the endpoint in NIMO_TEST_DYNAMODB, or a DynamoDB Local of our own that leaves nothing behind. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { cached, fetchOnce } from "./cache.ts";
import { onPath, run } from "./command.ts";
import { download, verifySha256 } from "./download.ts";
import { findJava } from "./java.ts";
import { onFreePort, waitUntil } from "./port.ts";
import { ownTempFolder } from "./process.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const START_TIMEOUT = 60 * SECOND;
const DOWNLOAD = "https://d1ni2b6xgvw0s0.cloudfront.net/v2.x/dynamodb_local_latest.tar.gz";
const DOWNLOADED = "dynamodb-local";
const MAVEN_VERSION = "2.6.1";
const FROM_MAVEN = `dynamodb-local-${MAVEN_VERSION}-maven`;

/** How a server of our own is started. */
export interface DynamoDBLocalOptions {
  /** Start one even if NIMO_TEST_DYNAMODB names one. */
  own?: boolean;
}

/** A server that answers. It holds its tables in memory, one set for all credentials and regions. */
export interface DynamoDBLocal extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8000`. Any credentials of letters and digits will do. */
  endpoint: string;
  /** Undefined for the user's own server. */
  pid: number | undefined;
  /** Ends the server; a server of the user's runs on. May be called twice. */
  stop(): Promise<void>;
}

interface Command {
  file: string;
  args: string[];
}

/** Starts a server, or takes the one NIMO_TEST_DYNAMODB names. It ends with this process at the latest. */
export async function startDynamoDBLocal(options: DynamoDBLocalOptions = {}): Promise<DynamoDBLocal> {
  const theirs = process.env.NIMO_TEST_DYNAMODB;
  if (theirs && !options.own)
    return { endpoint: theirs, pid: undefined, stop: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const command = await findDynamoDBLocal();
  const owned = ownTempFolder("dynamodb");
  const log = join(owned.folder, "dynamodb.log");
  try {
    const server = await onFreePort(async (port) => {
      // it has no option for the address it listens on: it is all of them
      const args = [...command.args, "-inMemory", "-sharedDb", "-port", String(port)];
      const child = await owned.start(command.file, args, log, environment(owned.folder));
      const endpoint = `http://127.0.0.1:${port}`;
      await waitUntil(() => answers(endpoint), child, log, START_TIMEOUT);
      return { endpoint, pid: child.pid };
    });
    return { ...server, stop: owned.remove, [Symbol.asyncDispose]: owned.remove };
  } catch (error) {
    await owned.remove();
    throw error;
  }
}

/** Has Java unpack SQLite into our folder and leave no counters in /tmp, also from within a launcher script. */
function environment(folder: string): NodeJS.ProcessEnv {
  const options = `${process.env.JAVA_TOOL_OPTIONS ?? ""} "-Djava.io.tmpdir=${folder}" -XX:-UsePerfData`;
  return { ...process.env, DDB_LOCAL_TELEMETRY: "0", JAVA_TOOL_OPTIONS: options.trim() };
}

function findDynamoDBLocal(): Promise<Command> {
  const hint =
    "Install it and set DYNAMODB_LOCAL_HOME, or set NIMO_TEST_DYNAMODB=http://host:port to use a running one.";
  return firstOf<Command>("DynamoDB Local", hint, [
    {
      name: "dynamodb-local on the PATH",
      async have() {
        const file = onPath("dynamodb-local");
        return file ? { file, args: [] } : undefined;
      },
    },
    {
      name: "DYNAMODB_LOCAL_HOME",
      have: async () => fromFolder(process.env.DYNAMODB_LOCAL_HOME),
    },
    {
      name: "download of DynamoDB Local",
      have: async () => fromFolder(cached(DOWNLOADED)),
      fetch: async () =>
        fromFolder(
          await fetchOnce(DOWNLOADED, "DynamoDB Local (about 60 MB)", async (owned) => {
            const archive = join(owned.folder, "dynamodb_local.tar.gz");
            await download(DOWNLOAD, archive);
            await verifySha256(archive, `${DOWNLOAD}.sha256`);
            await run(owned, "tar", ["-xzf", archive], 60 * SECOND);
            rmSync(archive);
          }),
        ),
    },
    {
      name: `Maven artifact com.amazonaws:DynamoDBLocal:${MAVEN_VERSION}`,
      have: async () => fromFolder(cached(FROM_MAVEN)),
      fetch: async () => {
        if (!onPath("mvn")) throw new Error("no mvn on the PATH");
        return fromFolder(
          await fetchOnce(FROM_MAVEN, "DynamoDB Local through Maven (about 60 MB)", async (owned) => {
            const pom = join(owned.folder, "pom.xml");
            writeFileSync(pom, POM);
            const lib = join(owned.folder, "DynamoDBLocal_lib");
            // a Java of ours, when none is installed, has to be shown to it
            const env = onPath("java")
              ? process.env
              : { ...process.env, JAVA_HOME: dirname(dirname(await findJava())) };
            const args = ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${lib}`];
            await run(owned, "mvn", args, 600 * SECOND, env);
          }),
        );
      },
    },
  ]);
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>nimo-shake</groupId><artifactId>dynamodb-local</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency>
<groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId><version>${MAVEN_VERSION}</version>
</dependency></dependencies></project>
`;

/** The command for an unpacked archive, or for the libraries Maven brought. */
async function fromFolder(home: string | undefined): Promise<Command | undefined> {
  if (!home) return undefined;
  const folders = [home, join(home, "DynamoDBLocal_lib")].filter((folder) => existsSync(folder));
  if (!folders.some((folder) => readdirSync(folder).some((name) => /^DynamoDBLocal.*\.jar$/.test(name)))) {
    throw new Error(`no DynamoDBLocal.jar in ${home}`);
  }
  return {
    file: await findJava(),
    args: [
      `-Djava.library.path=${folders.join(delimiter)}`,
      "-cp",
      folders.map((folder) => join(folder, "*")).join(delimiter),
      "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
    ],
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(5 * SECOND) });
    return true; // an error answer, as it is no request of the protocol: but it is there
  } catch {
    return false;
  }
}
