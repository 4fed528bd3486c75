/** One MongoDB and one DynamoDB for all tests of a process: use databases and tables with names of your own. */
import type { Capabilities } from "./capabilities.ts";
import { startDynamoDB } from "./dynamodb.ts";
import type { DynamoDBServer } from "./dynamodb.ts";
import { startMongod } from "./mongod.ts";
import type { Mongod } from "./mongod.ts";

/** Where the shared servers are. */
export interface SharedServers {
  mongoUri: string;
  dynamoEndpoint: string;
  /** What the DynamoDB is, and can show. */
  can: Capabilities;
  /** What they are, for people: `ministack 1.5.33, MongoDB 6.0.5`. */
  names: string;
}

let starting: Promise<[Mongod, DynamoDBServer]> | undefined;

/** Starts both servers at the first call; every call gives the same two. */
export async function sharedServers(): Promise<SharedServers> {
  starting ??= startBoth();
  const [mongod, dynamodb] = await starting;
  const names = [dynamodb, mongod].map(({ name, pid }) => (pid === undefined ? `${name} (yours)` : name));
  return { mongoUri: mongod.uri, dynamoEndpoint: dynamodb.endpoint, can: dynamodb, names: names.join(", ") };
}

/** Ends them, if they were started. The preload calls it after the last test. */
export async function stopSharedServers(): Promise<void> {
  const servers = await starting?.catch(() => []);
  starting = undefined;
  await Promise.all((servers ?? []).map((server) => server.stop()));
}

async function startBoth(): Promise<[Mongod, DynamoDBServer]> {
  const [mongod, dynamodb] = await Promise.allSettled([startMongod(), startDynamoDB()]);
  if (mongod.status === "fulfilled" && dynamodb.status === "fulfilled") return [mongod.value, dynamodb.value];
  const failures: Error[] = [];
  for (const result of [mongod, dynamodb]) {
    if (result.status === "fulfilled") await result.value.stop();
    else failures.push(result.reason);
  }
  throw failures.length === 1 ? failures[0] : new Error(failures.map(({ message }) => message).join("\n\n"));
}
