/** A DynamoDB for tests: the endpoint in NIMO_TEST_DYNAMODB, or a server of our own that leaves nothing behind. */
import { join } from "node:path";
import { redactText } from "../../core/config/redact.ts";
import { ask, type Capabilities, capabilitiesOf } from "./capabilities.ts";
import { message } from "./command.ts";
import { dynamoDBLocal } from "./dynamodb-local.ts";
import { ministack } from "./ministack.ts";
import { onFreePort, waitUntil } from "./port.ts";
import { ownTempFolder } from "./process.ts";
import { firstOf } from "./ways.ts";

const SECOND = 1000;
const START_TIMEOUT = 60 * SECOND;

/** How a server of our own is started. */
export interface DynamoDBOptions {
  /** Start one even if NIMO_TEST_DYNAMODB names one. */
  own?: boolean;
}

/** A server that answers. It holds its tables in memory, one set for all credentials. */
export interface DynamoDBServer extends AsyncDisposable, Capabilities {
  /** Such as `http://127.0.0.1:8000`. Any credentials of letters and digits will do. */
  endpoint: string;
  /** Undefined for the user's own server. */
  pid: number | undefined;
  /** Ends the server; a server of the user's runs on. May be called twice. */
  stop(): Promise<void>;
}

/** How a kind of server is started on a port, with a folder of its own for whatever it writes. */
export interface ServerCommand {
  file: string;
  args(port: number): string[];
  env(port: number, folder: string): NodeJS.ProcessEnv;
}

/** Starts a server, or takes the one NIMO_TEST_DYNAMODB names. It ends with this process at the latest. */
export async function startDynamoDB(options: DynamoDBOptions = {}): Promise<DynamoDBServer> {
  const theirs = process.env.NIMO_TEST_DYNAMODB;
  return theirs && !options.own ? usersOwn(theirs) : startOwn(await findDynamoDB());
}

async function usersOwn(endpoint: string): Promise<DynamoDBServer> {
  try {
    const capabilities = await capabilitiesOf(endpoint);
    const nothing = async () => {};
    return { ...capabilities, endpoint, pid: undefined, stop: nothing, [Symbol.asyncDispose]: nothing };
  } catch (error) {
    const what = `NIMO_TEST_DYNAMODB=${redactText(endpoint)}: no DynamoDB answers there: ${message(error)}`;
    throw new Error(what, { cause: error });
  }
}

async function startOwn(command: ServerCommand): Promise<DynamoDBServer> {
  const owned = ownTempFolder("dynamodb");
  const log = join(owned.folder, "dynamodb.log");
  try {
    const server = await onFreePort(async (port) => {
      const env = command.env(port, owned.folder);
      const child = await owned.start(command.file, command.args(port), log, { env });
      const endpoint = `http://127.0.0.1:${port}`;
      await waitUntil(() => answers(endpoint), child, log, START_TIMEOUT);
      return { ...(await capabilitiesOf(endpoint)), endpoint, pid: child.pid };
    });
    return { ...server, stop: owned.remove, [Symbol.asyncDispose]: owned.remove };
  } catch (error) {
    await owned.remove();
    throw error;
  }
}

function findDynamoDB(): Promise<ServerCommand> {
  const hint =
    "Install Python 3.10 or newer with pip, or set NIMO_TEST_DYNAMODB=http://host:port to use a running server, or\n" +
    "DYNAMODB_LOCAL_HOME to the folder of DynamoDB Local.";
  return firstOf<ServerCommand>("DynamoDB server", hint, [...dynamoDBLocal, ministack]);
}

async function answers(endpoint: string): Promise<boolean> {
  return await ask(endpoint, "ListTables").then(
    () => true,
    () => false,
  );
}
