/** What happens to the tool's process: killed, stopped, frozen, started twice, started with other settings. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { drawChanges } from "../configuration.ts";
import { Misbehaved } from "../tool.ts";
import type { Fault, Play } from "../world.ts";

const SECOND = 1000;
/** A second process is given up after that. */
const PATIENCE = 15 * SECOND;
/** Longer than a lease lasts that isn't renewed. */
const REPLACED_AFTER = 32 * SECOND;
/** The first one goes on so long after the second one has started, in its midst. */
const THAWED_AFTER = 4 * SECOND;

/** Between an end and the next start. */
const drawRest = (below: (limit: number) => number): number => below(4) * 500;

const kill: Fault = {
  name: "kill -9",
  process: true,
  draw(random) {
    const rest = drawRest(random.below);
    const times = random.pick([1, 1, 2, 3]);
    const life = random.between(200, 3000);
    return {
      what: `kill -9, ${times} times, up again after ${rest} ms`,
      async happen({ tool, signal }) {
        for (let i = 0; i < times; i++) {
          await tool.down("SIGKILL");
          await sleep(rest, undefined, { signal });
          tool.up();
          if (i < times - 1) await sleep(life, undefined, { signal });
        }
      },
    };
  },
};

const stop: Fault = {
  name: "SIGTERM",
  process: true,
  draw(random) {
    const rest = drawRest(random.below);
    return {
      what: `SIGTERM, up again after ${rest} ms`,
      async happen({ tool, signal }) {
        await tool.down("SIGTERM");
        await sleep(rest, undefined, { signal });
        tool.up();
      },
    };
  },
};

const changed: Fault = {
  name: "other settings",
  process: true,
  draw(random) {
    const changes = drawChanges(random);
    const by = random.pick(["SIGTERM", "SIGKILL"] as const);
    return {
      what: `${by}, up again with ${JSON.stringify(changes)}`,
      async happen({ tool }) {
        await tool.down(by);
        tool.up(changes);
      },
    };
  },
};

const frozen: Fault = {
  name: "SIGSTOP",
  process: true,
  draw(random) {
    const ms = random.chance(0.2) ? random.between(12, 40) * SECOND : random.between(3, 8) * SECOND;
    return {
      what: `SIGSTOP for ${ms / SECOND} s`,
      happen: ({ tool, signal }) => tool.freeze(ms, signal),
    };
  },
};

/** Starts another one, and says what became of it. */
async function startAnother({ tool, say }: Play, ms: number): Promise<string> {
  const { code, error, said } = await tool.another(mkdtempSync(join(tmpdir(), "nimo-shake-faults-2-")), ms);
  say(`the second one ended with ${code} ${error ?? ""}`);
  // 143: it wasn't refused, for the first was gone, and was stopped; TARGET_EXISTS: the copy is complete
  const isRefused = code === 2 && (error === "ALREADY_RUNNING" || error === "TARGET_EXISTS");
  // 0: it has completed the copy
  const isRight = isRefused || code === 143 || code === 1 || code === 0;
  if (!isRight) throw new Misbehaved(`a second process ended with ${code}:\n${said}`);
  return error ?? "stopped";
}

const second: Fault = {
  name: "a second process",
  process: true,
  codes: ["ALREADY_RUNNING"],
  draw: () => ({
    what: "a second process of the same id",
    async happen(play) {
      await startAnother(play, PATIENCE);
    },
  }),
};

const replaced: Fault = {
  name: "frozen and replaced",
  process: true,
  codes: ["ALREADY_RUNNING"],
  draw: () => ({
    what: "SIGSTOP, a second process takes over, SIGCONT",
    async happen(play) {
      const { tool, signal } = play;
      const thawing = new AbortController();
      const until = AbortSignal.any([signal, thawing.signal]);
      const frozen = tool.freeze(2 * REPLACED_AFTER, until).catch(() => {});
      try {
        await sleep(REPLACED_AFTER, undefined, { signal });
        const thaw = sleep(THAWED_AFTER).then(() => thawing.abort());
        await Promise.all([startAnother(play, 2 * THAWED_AFTER), thaw]);
      } finally {
        thawing.abort();
        await frozen;
      }
    },
  }),
};

/** All of them; what takes long is drawn less often. */
export const processFaults: readonly Fault[] = [
  kill,
  kill,
  stop,
  stop,
  changed,
  changed,
  frozen,
  frozen,
  second,
  second,
  replaced,
];
