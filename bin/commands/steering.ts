/** The commands `switchover`, `pause`, `resume` and `set`: they speak to the running process. */
import type { CAC } from "cac";
import { type LeaseStatus, openStatus } from "../../core/run/status.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import { ask } from "../control/client.ts";
import { type Connect, needProcess } from "../control/find-process.ts";
import { disconnected, type Request, type Result } from "../control/protocol.ts";
import { besideLog } from "../log/in-log.ts";
import type { Log } from "../log/log.ts";
import { type Flags, loadSettings, setUp } from "../setup.ts";
import { flagsOf, type Options, withConfiguration } from "./options.ts";
import { parseChanges, parseTimeout, parseVerify } from "./steering-flags.ts";
import { switchOver } from "./switchover.ts";

/** Adds them to the command line. */
export function addSteering(cli: CAC): void {
  withConfiguration(cli.command("switchover", "Applies all that was written until now, and ends the run"))
    .option("--timeout <time>", "Gives it up after so long, and the run goes on: 10m, 30s")
    .option("--verify [N|P%]", "Compares both sides before the end, or a sample of them")
    .example("nimo-shake switchover -c nimo-shake.conf --verify --timeout 30m")
    .action((options: Options) => {
      const asked = { timeout: parseTimeout(options.timeout), verify: parseVerify(options.verify) };
      return steering(flagsOf(options), (output, connect) => switchOver(output, connect, asked));
    });
  for (const [verb, what, isSo] of [
    ["pause", "Stops reading and writing until resume; the process stays", "paused"],
    ["resume", "Goes on after pause", "running"],
  ] as const) {
    withConfiguration(cli.command(verb, what)).action((options: Options) =>
      steering(flagsOf(options), async (output, connect) => {
        const { already } = await resultOf(connect, { verb }, output);
        output.say({ text: already ? `it was ${isSo} already` : isSo });
        return 0;
      }),
    );
  }
  withConfiguration(
    cli.command("set <...key=value>", "Changes speeds, concurrency or the log level of the running process"),
  )
    .example("nimo-shake set -c nimo-shake.conf qps.full=500 log.level=debug")
    .action((words: string[], options: Options) => {
      const values = parseChanges(words);
      return steering(flagsOf(options), async (output, connect) => {
        const { changes } = await resultOf(connect, { verb: "set", values }, output);
        for (const { key, was, is } of changes) {
          const text = `${key}: ${was || "empty"} → ${is || "empty"}`;
          output.say({ text, objects: [{ message: "set", key, was, is }] });
        }
        return 0;
      });
    });
}

/** Does a command, and prints what it failed with. Gives the exit code. */
async function steering(
  flags: Flags,
  work: (output: Log, connect: Connect) => Promise<number>,
): Promise<number> {
  const settings = loadSettings(flags);
  return besideLog(settings, { words: process.stdout }, (output) =>
    work(output, () => needProcess(settings.config, () => leaseOf(flags))),
  );
}

async function leaseOf(flags: Flags): Promise<LeaseStatus | undefined> {
  const { config, migration } = await setUp(flags);
  await using status = await openStatus({ ...migration, config, builtins: builtinPlugin });
  return await status.lease();
}

/** What a request brings. @throws MigrationError what the process answers it with */
async function resultOf<Verb extends "pause" | "resume" | "set">(
  connect: Connect,
  request: Request & { verb: Verb },
  { log }: Log,
): Promise<Extract<Result, { verb: Verb }>> {
  let isLong = false;
  for await (const answer of ask(await connect(), request)) {
    // The first comes at once, and mostly the result with it.
    if (answer.type === "waiting" && isLong) log.info(`waiting: ${answer.text}`);
    isLong = true;
    if (answer.type === "result") return answer.result as Extract<Result, { verb: Verb }>;
  }
  throw disconnected("before it had answered");
}
