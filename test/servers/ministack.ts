/** ministack, a free DynamoDB server with Streams (MIT), in an environment of its own in the user's cache. */
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cached, discard, fetchOnce } from "./cache.ts";
import { isExecutable, runOnce } from "./command.ts";
import type { ServerCommand } from "./dynamodb.ts";
import { findPython, pipInstall } from "./python.ts";
import type { Way } from "./ways.ts";

const SECOND = 1000;
const REQUIREMENT = "ministack==1.5.33";
const FETCHED = REQUIREMENT.replace("==", "-");

export const ministack: Way<ServerCommand> = {
  name: `Python package ${REQUIREMENT}`,
  async have() {
    const folder = cached(FETCHED);
    if (!folder) return undefined;
    if (isExecutable(join(folder, "python")) && existsSync(join(folder, "lib", "ministack")))
      return command(folder);
    discard(FETCHED); // the Python that it was installed for is gone
    return undefined;
  },
  async fetch() {
    const folder = await fetchOnce(FETCHED, "ministack (about 20 MB)", async (owned) => {
      const python = await findPython();
      await pipInstall(REQUIREMENT, join(owned.folder, "lib"), owned);
      symlinkSync(python, join(owned.folder, "python"));
      const { file, args, env } = command(owned.folder);
      const help = await runOnce(file, [...args(0), "--help"], 30 * SECOND, { env: env(0, owned.folder) });
      if (!/ministack/i.test(help)) throw new Error(`it doesn't start: ${help.split("\n")[0]}`);
    });
    return command(folder);
  },
};

function command(folder: string): ServerCommand {
  return {
    file: join(folder, "python"),
    args: () => ["-s", "-m", "ministack"],
    env: (port, home) => ({
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home, // it writes its process id there
      PYTHONPATH: join(folder, "lib"),
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      SERVICES: "dynamodb,dynamodbstreams",
      LOG_LEVEL: "WARNING",
    }),
  };
}
