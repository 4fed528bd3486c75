/** A look at a migration: its process is asked, where one runs, and its checkpoint is read. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../core/config/config.ts";
import { toMigrationError } from "../../core/errors.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import { runIdentity } from "../../core/run/identity.ts";
import { type KeptStatus, namedTables, type StatusReader } from "../../core/run/status.ts";
import { describeStatus, type StatusDocument } from "../../core/run/status-document.ts";
import { ask } from "../control/client.ts";
import { isHere, reachProcess } from "../control/find-process.ts";
import { runningPid } from "../pid-file.ts";

const SECOND = 1000;
/** A process answers within so long, in ms. */
const PATIENCE = 3 * SECOND;
/** A rate is that over so long, in ms, where nothing was asked before. */
const SAMPLE = SECOND / 2;
/** What a process that answers has saved is read so often, in ms. */
const REREAD = 5 * SECOND;

const INCOMPLETE =
  "this checkpoint can't tell which tables it has: only those that filter.collection.white names are shown";

/** Makes a look, which may be taken again and again. */
export function createLook(config: Config, reader: StatusReader): () => Promise<StatusDocument> {
  // The process that runs is another one.
  const { pid: _pid, host: _host, ...identity } = runIdentity(config);
  const named = namedTables(config);
  const rate = createRate();
  let read: { kept: KeptStatus; at: number } | undefined;

  /** @throws MigrationError when neither the checkpoint nor a process says anything */
  return async () => {
    const problems: string[] = [];
    const note = (error: unknown): undefined => void problems.push(toMigrationError(error).message);
    const ask = (pid?: number): Promise<RunStatus | undefined> => askStatus(config, pid).catch(note);
    let reached: number | undefined;
    let live = await ask();
    let kept: KeptStatus | undefined;
    if (live !== undefined && read !== undefined && Date.now() - read.at < REREAD) kept = read.kept;
    else {
      kept = await reader.read().catch((error: unknown) => {
        if (live === undefined) throw error;
        return note(error);
      });
      read = kept && { kept, at: Date.now() };
    }
    const lease = kept?.lease;
    // Another folder's; one that doesn't answer is asked once.
    if (live === undefined && problems.length === 0 && lease?.alive === true && isHere(lease)) {
      reached = lease.pid;
      live = await ask(reached);
    }
    if (live?.phase === "incr" && rate.isNew) {
      rate.of(live);
      await sleep(SAMPLE);
      live = (await ask(reached)) ?? live;
    }
    if (kept?.isComplete === false && live === undefined) problems.push(INCOMPLETE);
    const changesPerSecond = live && rate.of(live);
    const pid = runningPid(config.id);
    const now = Date.now();
    return describeStatus({
      identity,
      now,
      kept,
      live,
      pid,
      named,
      changesPerSecond,
      problems: [...new Set(problems)],
    });
  };
}

/** Changes applied a second, from one status of a process to the next. */
function createRate(): { readonly isNew: boolean; of(status: RunStatus): number | undefined } {
  let last: { written: number; at: number; startedAt: string } | undefined;
  return {
    get isNew() {
      return last === undefined;
    },
    of({ tables, now, startedAt }) {
      const written = tables.reduce((sum, { stream }) => sum + (stream?.written ?? 0), 0);
      const before = last?.startedAt === startedAt ? last : undefined;
      last = { written, at: Date.parse(now), startedAt };
      if (before === undefined || last.at <= before.at || written < before.written) return undefined;
      return Math.round(((written - before.written) / (last.at - before.at)) * SECOND * 10) / 10;
    },
  };
}

/** Undefined: nobody listens. @throws MigrationError when it doesn't answer */
async function askStatus(config: Config, pid?: number): Promise<RunStatus | undefined> {
  const socket = await reachProcess(config, pid);
  if (socket === undefined) return undefined;
  for await (const answer of ask(socket, { verb: "status" }, { first: PATIENCE })) {
    if (answer.type === "result" && answer.result.verb === "status") return answer.result.status;
  }
  return undefined;
}
