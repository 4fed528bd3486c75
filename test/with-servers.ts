/** Runs a command with the addresses of real servers in its environment: `bun test/with-servers.ts deno test -A …`. */
import { spawnSync } from "node:child_process";
import { sharedServers, stopSharedServers } from "./servers/shared.ts";

const [file, ...args] = process.argv.slice(2);
const { mongoUri, dynamoEndpoint } = await sharedServers();
try {
  const env = { ...process.env, NIMO_TEST_MONGODB: mongoUri, NIMO_TEST_DYNAMODB: dynamoEndpoint };
  const { status, error } = spawnSync(file!, args, { env, stdio: "inherit", timeout: 300_000 });
  if (error) throw error;
  process.exitCode = status ?? 1;
} finally {
  await stopSharedServers();
}
