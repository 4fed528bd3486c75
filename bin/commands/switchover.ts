/** The command `switchover`: what is waited for, and what came of it. */
import { constants } from "node:os";
import type { SwitchoverOptions } from "../../core/run/control.ts";
import { MigrationError } from "../../core/errors.ts";
import { ask } from "../control/client.ts";
import type { Connect } from "../control/find-process.ts";
import { disconnected, type SwitchoverAnswer } from "../control/protocol.ts";
import { laterText } from "../display/switched.ts";
import { formatTime } from "../format.ts";
import type { Log } from "../log/log.ts";
import { timeoutText } from "./steering-flags.ts";
import { createWaitingLines } from "./waiting-lines.ts";

/** Source and target differ. */
const DIFFERENT = 3;

/** What is asked for. */
type Asked = Pick<SwitchoverOptions, "timeout" | "verify">;

/**
 * Asks the running process for it, and waits until it has ended.
 *
 * @returns the exit code
 * @throws MigrationError NOT_SWITCHED, NOT_RUNNING, CONTROL_FAILED, or what the process answers with
 */
export async function switchOver(output: Log, connect: Connect, { timeout, verify }: Asked): Promise<number> {
  const say = (text: string): void => output.say({ text });
  const waiting = createWaitingLines(say);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(waiting.stop);
  const stop = stopped(cleanup, say);
  const socket = await connect();
  let result: SwitchoverAnswer | undefined;
  let hasEnded = false;
  for await (const answer of ask(socket, { verb: "switchover", timeout, verify }, { giveUp: stop.signal })) {
    if (answer.type === "waiting") waiting.tell(answer.text);
    if (answer.type === "result" && answer.result.verb === "switchover") result = answer.result.result;
    if (answer.type === "ended") hasEnded = true;
  }
  waiting.stop();
  if (result === undefined) throw disconnected("before the switch-over was done");
  if (result.verdict !== undefined) output.say(result.verdict);
  if (result.outcome !== "done") return notDone(result, timeout, stop.exit, say);
  if (!hasEnded) throw disconnected("without saying that its state is saved");
  say(
    `switched over: all that was written until ${formatTime(new Date(result.at))} is applied and saved, and the run has ended`,
  );
  say(laterText(result.changesAfter));
  say("point the application at the target, and keep the checkpoint until it has been well for a while");
  return 0;
}

/** Gives the exit code. @throws MigrationError */
function notDone(
  { outcome, verdict, waitedFor }: SwitchoverAnswer,
  timeout: number,
  exit: number,
  say: (text: string) => void,
): number {
  if (outcome === "different") {
    say(
      `the run goes on: see ${verdict?.file ?? "the differences"}, stop the run, mend it with verify --repair, start it again, and switch over again`,
    );
    return DIFFERENT;
  }
  if (outcome === "aborted") {
    say("the switch-over was given up, and the run goes on");
    return exit;
  }
  const what = waitedFor === undefined ? "" : `, still waiting: ${waitedFor.text}`;
  throw new MigrationError(
    "NOT_SWITCHED",
    `no switch-over within ${timeoutText(timeout)}, the run goes on${what}`,
    {
      hint: "see with nimo-shake status --watch what holds it up, stop who writes, or give a longer --timeout",
    },
  );
}

/** The first SIGINT or SIGTERM asks to give up, the second one ends the command at once. */
function stopped(
  cleanup: AsyncDisposableStack,
  say: (text: string) => void,
): { signal: AbortSignal; readonly exit: number } {
  const stop = new AbortController();
  let exit = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const listener = (): void => {
      if (exit !== 0) process.exit(exit);
      exit = 128 + constants.signals[name];
      say(`${name}: giving up the switch-over; the run goes on`);
      stop.abort();
    };
    process.on(name, listener);
    cleanup.defer(() => void process.off(name, listener));
  }
  return {
    signal: stop.signal,
    get exit() {
      return exit === 0 ? 1 : exit;
    },
  };
}
