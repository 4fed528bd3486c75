/** Children and folders that never outlive the process that made them, not even when it is killed with -9. */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A child process that is running, or was. */
export interface Child {
  pid: number;
  alive(): boolean;
  /** Resolves at its end, with the exit code, or null after a signal. */
  exited: Promise<number | null>;
}

/** Where and with what a child is started. */
export interface ChildOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A folder of ours and at most one child at a time; both go together. */
export interface Owned {
  folder: string;
  /**
   * Starts the child, in the folder unless told otherwise; what it prints is added to the file `log`, or with "inherit"
   * goes where ours goes. Fails when there is no such command.
   */
  start(command: string, args: string[], log: string, options?: ChildOptions): Promise<Child>;
  /** Kills the child and waits until it is gone; the folder stays. */
  kill(): Promise<void>;
  /** Kills the child and removes the folder. May be called twice. */
  remove(): Promise<void>;
}

// It reads what it guards from its input, which ends when our process does, however that happens. Then it kills the
// child's process group, removes the folder, and is gone itself. No polling, and no other process can be meant: until
// the input says otherwise, the child has not been waited for and its id can't be given to another. When our process was
// killed the id of a child that it had just started may not have come: it is found by the folder that it is in.
const GUARD = `
pid=
over=
while read -r word value; do
  case $word in
    pid) pid=$value ;;
    over) over=1 ;;
  esac
done
[ -n "$pid" ] && kill -s KILL -- "-$pid" 2>/dev/null
if [ -z "$over" ]; then
  sleep 0.1
  for entry in /proc/[0-9]*; do
    [ "$(readlink "$entry/cwd" 2>/dev/null)" = "$1" ] && kill -s KILL -- "\${entry#/proc/}" 2>/dev/null
  done
fi
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
`;

interface Entry extends Owned {
  child: Child | undefined;
  endNow(): void;
}

const entries = new Set<Entry>();

/** What is still there of what this process made: for a check at the end of a test run. */
export function leftovers(): string[] {
  return [...entries].map(({ child, folder }) =>
    child?.alive() ? `process ${child.pid} in ${folder}` : folder,
  );
}

/** Ends everything this process started, at once and without waiting. */
export function endEverything(): void {
  for (const entry of entries) entry.endNow();
}

/** A new folder for temporary files, named `nimo-shake-<name>-…`; where nothing else is said, among the system's. */
export function ownTempFolder(name: string, place: string = tmpdir()): Owned {
  return own(mkdtempSync(join(place, `nimo-shake-${name}-`)));
}

/** Takes over `folder`, which must be ours alone: it is removed with this process at the latest. */
export function own(folder: string): Owned {
  watchForTheEnd();
  const guard = startGuard(folder);
  const entry: Entry = {
    folder,
    child: undefined,
    async start(command, args, log, { env, cwd = folder } = {}) {
      const output = log === "inherit" ? log : openSync(log, "a");
      try {
        // a group of its own, so that a launcher script goes together with what it launched
        const child = spawn(command, args, {
          stdio: ["ignore", output, output],
          detached: true,
          cwd,
          env,
        });
        const pid = child.pid;
        if (pid === undefined) throw await new Promise((resolve) => child.once("error", resolve));
        guard.tell(`pid ${pid}\n`);
        let running = true;
        const exited = new Promise<number | null>((resolve) => {
          child.once("exit", (code) => {
            running = false;
            guard.tell("pid\n");
            resolve(code);
          });
        });
        child.unref(); // a server that nobody stops must not keep its process waiting for ever
        entry.child = { pid, alive: () => running, exited };
        return entry.child;
      } finally {
        if (typeof output === "number") closeSync(output);
      }
    },
    async kill() {
      if (!entry.child) return;
      const keepAwake = setInterval(() => {}, 1000);
      killGroup(entry.child);
      await entry.child.exited.finally(() => clearInterval(keepAwake));
    },
    async remove() {
      await entry.kill();
      entry.endNow();
      await guard.end();
    },
    endNow() {
      if (entry.child) killGroup(entry.child);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      entries.delete(entry);
    },
  };
  entries.add(entry);
  return entry;
}

function startGuard(folder: string): { tell(line: string): void; end(): Promise<void> } {
  // detached: the Ctrl-C of a terminal must not end the guard before its work; cwd: it must not hold on to a folder
  const guard = spawn("sh", ["-c", GUARD, "guard", folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  const ended = new Promise<void>((resolve) =>
    guard.once("close", () => resolve()).once("error", () => resolve()),
  );
  const input = guard.stdin;
  input.on("error", () => {}); // somebody killed the guard: the ordinary ways of stopping still work
  guard.unref();
  (input as unknown as { unref?(): void }).unref?.();
  return {
    tell: (line) => void (input.writable && input.write(line)),
    end: () => {
      input.end("over\n");
      return ended;
    },
  };
}

function killGroup(child: Child): void {
  if (!child.alive()) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // gone by itself a moment ago
  }
}

let watching = false;

function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.on("exit", endEverything);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const onSignal = () => {
      // whoever else listens decides when this process ends; "exit" cleans up then
      if (process.listenerCount(signal) > 1) return;
      endEverything();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.prependListener(signal, onSignal); // before a once() of others has taken itself off
  }
}
