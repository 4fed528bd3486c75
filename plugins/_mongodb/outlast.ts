/** What a process that is dead has sent may still be on its way to the server, and is carried out when it comes. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type HostProcess, thisProcess } from "../../core/host/process.ts";
import type { Context } from "../../core/plugin/context.ts";
import type { Connections } from "./client.ts";
import { isPassing } from "./errors.ts";
import { hasConnections } from "./own-connections.ts";

const SECOND = 1000;
/** So long at most; the kernel of a dead process gives up sending after 100 s, but what is in the way then is something else. */
const PATIENCE = 60 * SECOND;
/** No answer for so long, and it is asked again: that a server was killed isn't always noticed. */
const ANSWER = 10 * SECOND;
const PAUSE = { first: 20, longest: SECOND };
/** It is said when it takes longer. */
const QUIET = 2 * SECOND;

/** The name that a process's connections have at the server; no other process's have it. */
export function connectionName({ host, system, pid, startedAt }: HostProcess): string {
  const rest = createHash("sha256").update(`${host} ${system} ${startedAt}`).digest("hex").slice(0, 12);
  // The server takes 128 bytes.
  return `nimo-shake ${pid}@${host.replaceAll(/[^\w.-]/g, "?").slice(0, 64)} ${rest}`;
}

/**
 * See `Target.outlast`. The server has a connection until it has read its end, and that comes behind everything that was
 * sent: when the process has none any more, nothing of it can come. Where the server doesn't say which ones it has, nobody
 * waits; where it can't just now, it is asked again.
 */
export async function outlast(
  { patient, isMongos }: Pick<Connections, "patient" | "isMongos">,
  dead: HostProcess,
  { log, signal, patience }: Pick<Context, "log" | "signal" | "patience">,
): Promise<void> {
  const name = connectionName(dead);
  if (name === connectionName(thisProcess())) return;
  // Builds go on without who has asked for them, and are waited for where they are in the way.
  const isBuild = { active: true, "command.createIndexes": { $exists: true } };
  const theirs = { appName: name, $nor: [isBuild] };
  const longest = Math.min(PATIENCE, patience / 2);
  const began = performance.now();
  const took = (): number => performance.now() - began;
  let isTold = false;
  for (let pause = PAUSE.first; ; pause = Math.min(2 * pause, PAUSE.longest)) {
    let unseen: string | undefined;
    const late = AbortSignal.timeout(Math.min(ANSWER, longest));
    try {
      if (!(await hasConnections(patient, isMongos, theirs, AbortSignal.any([signal, late])))) return;
    } catch (error) {
      signal.throwIfAborted();
      unseen = `whether connections of ${name}, which is dead, are left can't be seen: ${(error as Error).message}`;
      log.debug(unseen);
      if (!isPassing(error) && !late.aborted) return;
    }
    if (took() > longest) {
      const why = unseen ?? `the server still has connections of ${name}, which is dead`;
      log.warn(`${why}: going on without their end`);
      return;
    }
    if (!isTold && took() > QUIET) {
      log.info(`waiting until what ${name}, which is dead, has sent has come or is lost`);
      isTold = true;
    }
    await sleep(pause, undefined, { signal });
  }
}
