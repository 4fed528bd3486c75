/** What a user does while it runs: switch-over in the midst, pause, settings. */
import { setTimeout as sleep } from "node:timers/promises";
import { type End, Misbehaved } from "../tool.ts";
import type { Fault } from "../world.ts";

/** What a command may say that met nobody, or one who had no time. */
const NOBODY = ["NOT_RUNNING", "CONTROL_FAILED"];

function expectCommand(name: string, { code, error, said }: End, codes: readonly string[] = []): void {
  if (code === 0 || (error !== undefined && [...NOBODY, ...codes].includes(error))) return;
  throw new Misbehaved(`${name} ended with ${code}:\n${said}`);
}

const switchover: Fault = {
  name: "switchover",
  process: true,
  draw(random) {
    const timeout = random.between(2, 15);
    return {
      what: `switchover --timeout ${timeout}s, and up again`,
      async happen({ tool, say }) {
        const done = tool.mayFinish();
        const end = await tool.ask(["switchover", "--timeout", `${timeout}s`]);
        say(`switchover: ${end.code} ${end.error ?? ""}`);
        expectCommand("switchover", end, ["NOT_SWITCHED"]);
        if (end.code === 0) {
          await done;
          tool.up();
        } else tool.mustGoOn();
      },
    };
  },
};

const pause: Fault = {
  name: "pause and resume",
  draw(random) {
    const ms = random.between(500, 5000);
    return {
      what: `pause, resume after ${ms} ms`,
      async happen({ tool, signal }) {
        expectCommand("pause", await tool.ask(["pause"]));
        await sleep(ms, undefined, { signal });
        expectCommand("resume", await tool.ask(["resume"]));
      },
    };
  },
};

const set: Fault = {
  name: "set",
  draw(random) {
    const pairs = [
      `qps.full=${random.between(10, 100)}`,
      `qps.incr=${random.between(60, 1000)}`,
      `increase.concurrency=${random.between(1, 16)}`,
      `full.document.concurrency=${random.between(1, 8)}`,
    ];
    return {
      what: `set ${pairs.join(" ")}`,
      async happen({ tool }) {
        expectCommand("set", await tool.ask(["set", ...pairs]));
      },
    };
  },
};

const status: Fault = {
  name: "status",
  draw: () => ({
    what: "status --json",
    async happen({ tool, say }) {
      const { code, error, said } = await tool.ask(["status", "--json"]);
      // it reads the checkpoint, and that may be away
      say(`status: ${code} ${error ?? ""}`);
      if (code !== 0 && code !== 1) throw new Misbehaved(`status ended with ${code}:\n${said}`);
    },
  }),
};

/** Those that fit what follows streams; a copy alone is never switched over. */
export const steeringFaults: readonly Fault[] = [switchover, pause, set, status];
