/** The running process of an id: by its socket here, else by who has the lease. */
import { readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import type { Config } from "../../core/config/config.ts";
import { MigrationError, toMigrationError } from "../../core/errors.ts";
import { thisProcess } from "../../core/host/process.ts";
import type { LeaseStatus } from "../../core/run/status.ts";
import { runningPid } from "../pid-file.ts";
import { connectTo } from "./client.ts";
import { codeOf, socketPath } from "./socket-place.ts";

/** The system's words for a socket where nobody listens. */
const NOBODY: ReadonlySet<string | undefined> = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK", "ENOTDIR"]);

/**
 * Connects to the process of an id that was started in this folder, or, where the system tells it, in another one.
 *
 * @param pid of a process on this machine that has the lease
 * @returns undefined: nobody listens
 * @throws MigrationError CONTROL_FAILED: it is another user's
 */
export async function reachProcess({ id }: Config, pid?: number): Promise<Socket | undefined> {
  const path = pid === undefined ? socketPath(id) : `/proc/${pid}/cwd/${id}.sock`;
  try {
    return await connectTo(path);
  } catch (error) {
    if (NOBODY.has(codeOf(error))) return undefined;
    if (pid !== undefined) return undefined;
    throw new MigrationError(
      "CONTROL_FAILED",
      `the process of id = ${id} can't be spoken to, ${codeOf(error)}: ${path}`,
      {
        cause: error,
        hint: "run the command as the user who started the process",
      },
    );
  }
}

/** Connects to the running process. @throws MigrationError NOT_RUNNING or CONTROL_FAILED */
export type Connect = () => Promise<Socket>;

/**
 * Connects to the process of an id, wherever it is found.
 *
 * @param findLease who has the lease; asked only where nobody listens here
 * @throws MigrationError NOT_RUNNING, with what is known
 */
export async function needProcess(
  config: Config,
  findLease: () => Promise<LeaseStatus | undefined>,
): Promise<Socket> {
  const here = await reachProcess(config);
  if (here !== undefined) return here;
  let unread = "";
  const lease = await findLease().catch((error: unknown) => {
    unread = `; its checkpoint can't be asked whether it runs elsewhere, ${toMigrationError(error).message}`;
    return undefined;
  });
  if (lease?.alive !== true) throw nobody(config.id, unread);
  if (!isHere(lease)) throw elsewhere(config.id, lease);
  const there = await reachProcess(config, lease.pid);
  if (there !== undefined) return there;
  throw noSocket(config.id, lease);
}

/** Whether a process that has a lease runs on this machine, and in a place whose process ids are ours. */
export function isHere({ host, known }: LeaseStatus): boolean {
  return host === thisProcess().host && known;
}

function nobody(id: string, unread: string): MigrationError {
  const pid = runningPid(id);
  const what =
    pid === undefined
      ? `nothing is running here with id = ${id}${unread}`
      : `process ${pid} of id = ${id} has no control socket`;
  return new MigrationError("NOT_RUNNING", what, {
    hint: "start the run, or run the command in the folder where it was started; nimo-shake status says where it stands",
  });
}

function elsewhere(id: string, { host, pid, since }: LeaseStatus): MigrationError {
  return new MigrationError(
    "NOT_RUNNING",
    `id = ${id} runs on host ${host}, as process ${pid} since ${since}, and not here`,
    {
      hint: `run the command on ${host}, in the folder where the process was started`,
    },
  );
}

function noSocket(id: string, { pid, since }: LeaseStatus): MigrationError {
  const folder = folderOf(pid);
  const where = folder === undefined ? "" : `, in ${folder}`;
  return new MigrationError(
    "NOT_RUNNING",
    `id = ${id} runs as process ${pid} since ${since}${where}, and has no control socket`,
    {
      hint: "run the command in the folder where the process was started, as its user; a run of the library has none",
    },
  );
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
