/** The tool as a schedule has it: started, stopped, killed, asked; and kept up, when it ends with a code, by its next start. */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../../core/errors.ts";
import { cliCommand } from "../cli.ts";
import type { Settings } from "../e2e/helpers.ts";
import { type Child, own, type Owned } from "../servers/process.ts";

const SECOND = 1000;
const SOURCE = resolve(import.meta.dir, "../../bin/cli.ts");
const PRELOAD = resolve(import.meta.dir, "preload.ts");
/** A stop by SIGTERM takes no longer, a server that is away and a busy machine included. */
const STOP_LIMIT = 30 * SECOND;
/** Before it is started again, by whoever watches over it. */
const REST = 300;
/** Of one command beside it. */
const COMMAND_LIMIT = 200 * SECOND;
/** Where the log's end is looked for what was said. */
const TAIL = 20_000;

/** How a start ended. */
export interface End {
  /** Null after a signal that it couldn't answer. */
  code: number | null;
  /** The code in `error [CODE]`. */
  error: string | undefined;
  /** The end of what it printed. */
  said: string;
}

/** Something that the tool must not do. */
export class Misbehaved extends Error {}

/** What {@link createTool} takes. */
export interface ToolOptions {
  /** The working folder. */
  folder: string;
  settings: Settings;
  /** It may end with these at any time: the next start goes on. */
  codes: ReadonlySet<ErrorCode>;
  /** Runs it from its sources with `preload.ts` in front. */
  preload: boolean;
  /** Such as where the clock's offset stands. */
  env: Record<string, string>;
  say(line: string): void;
}

/** See the top of the file. */
export interface Tool extends AsyncDisposable {
  /** How often it was started. */
  readonly starts: number;
  /** How often it ended with each code. */
  readonly ended: ReadonlyMap<string, number>;
  /** Rejects when it does what it must not do. */
  readonly failed: Promise<never>;
  readonly isUp: boolean;
  /** Starts it, where it doesn't run; these settings hold from now on. */
  up(changes?: Settings): void;
  /**
   * Ends it, and resolves when it is gone, with how it ended; undefined: it didn't run. With SIGTERM it has to end by itself,
   * with its state saved.
   */
  down(signal: "SIGKILL" | "SIGTERM"): Promise<End | undefined>;
  /** Sends SIGSTOP, and SIGCONT so much later. */
  freeze(ms: number, signal: AbortSignal): Promise<void>;
  /** From now on an end with 0 is what is asked for; resolves at that. */
  mayFinish(): Promise<void>;
  /** It isn't any more. */
  mustGoOn(): void;
  /** Runs another command with its configuration, such as `["status", "--json"]`. */
  ask(args: string[], changes?: Settings): Promise<End>;
  /** Starts a second one of the same id in another folder; it is stopped when it hasn't ended so much later. */
  another(folder: string, ms: number): Promise<End>;
}

/** Makes it, not yet started. */
export function createTool({ folder, settings, codes, preload, env, say }: ToolOptions): Tool {
  const owned = own(folder);
  const command = preload ? [process.execPath, "--preload", PRELOAD, SOURCE] : cliCommand(folder);
  const ended = new Map<string, number>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let now = settings;
  let starts = 0;
  let asked = 0;
  let isWanted = false;
  /** It may have been switched over: it is followed again all the same. */
  let mayBeOver = false;
  let finishing: PromiseWithResolvers<void> | undefined;
  let running: { child: Child; gone: Promise<End>; log: string } | undefined;

  function conf(): string {
    const path = join(folder, "nimo-shake.conf");
    writeFileSync(
      path,
      Object.entries(now)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join(""),
    );
    return path;
  }

  async function start(): Promise<void> {
    const log = join(folder, `run.${++starts}.out`);
    say(`start ${starts}`);
    const child = await launch(
      owned,
      [...command, "run", "-c", conf(), ...(mayBeOver ? ["--again"] : [])],
      log,
    );
    const gone = child.exited.then((code) => endOf(code, log));
    running = { child, gone, log };
    const end = await gone;
    running = undefined;
    await judge(end);
  }

  function launch(by: Owned, [file, ...args]: string[], log: string): Promise<Child> {
    return by.start(file!, args, log, { env: { ...environment(folder), ...env } });
  }

  /** What follows from an end that nobody has asked for. */
  async function judge(end: End): Promise<void> {
    if (!isWanted) return;
    say(`ended with ${end.code} ${end.error ?? ""}`);
    if ((end.code === 0 || isComplete(end)) && finishing !== undefined) {
      isWanted = false;
      finishing.resolve();
      finishing = undefined;
      return;
    }
    const isCoded = end.error !== undefined && (end.code === 1 || end.code === 2);
    if (!isCoded || !codes.has(end.error as ErrorCode)) {
      isWanted = false;
      failed.reject(new Misbehaved(`it ended with ${end.code}, error ${end.error ?? "none"}:\n${end.said}`));
      return;
    }
    ended.set(end.error!, (ended.get(end.error!) ?? 0) + 1);
    await sleep(REST);
    if (isWanted) await start();
  }

  const self: Tool = {
    ended,
    failed: failed.promise,
    get starts() {
      return starts;
    },
    get isUp() {
      return running !== undefined;
    },
    up(changes = {}) {
      now = { ...now, ...changes };
      if (isWanted) return;
      isWanted = true;
      start().catch(failed.reject);
    },
    async down(signal) {
      if (!isWanted) return undefined;
      isWanted = false;
      const stopping = running;
      if (stopping === undefined) return undefined;
      send(stopping.child, signal);
      const late = setTimeout(() => {
        failed.reject(
          new Misbehaved(`no end ${STOP_LIMIT / SECOND} s after ${signal}:\n${tailOf(stopping.log)}`),
        );
        send(stopping.child, "SIGKILL");
      }, STOP_LIMIT);
      const end = await stopping.gone.finally(() => clearTimeout(late));
      say(`${signal}: ended with ${end.code} ${end.error ?? ""}`);
      // null: it had said nothing yet, so young that the signal ended it
      const isRight = signal === "SIGKILL" || end.code === 143 || (end.code === null && end.said === "");
      // what had gone wrong already may be what it says
      const isKnown = end.error !== undefined && codes.has(end.error as ErrorCode);
      if (!isRight && !isKnown)
        failed.reject(new Misbehaved(`it ended with ${end.code} after SIGTERM:\n${end.said}`));
      return end;
    },
    async freeze(ms, signal) {
      const frozen = running?.child;
      if (frozen === undefined) return;
      send(frozen, "SIGSTOP");
      try {
        await sleep(ms, undefined, { signal });
      } finally {
        send(frozen, "SIGCONT");
      }
    },
    mayFinish() {
      mayBeOver = true;
      finishing = Promise.withResolvers();
      return finishing.promise;
    },
    mustGoOn() {
      finishing = undefined;
    },
    async ask([name, ...args], changes = {}) {
      const path = conf();
      const set = Object.entries(changes).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
      const log = join(folder, `ask.${++asked}.out`);
      const all = [...cliCommand(folder), name!, "-c", path, ...set, ...args];
      const child = Bun.spawn(all, {
        cwd: folder,
        env: environment(folder),
        stdin: "ignore",
        stdout: Bun.file(log),
        stderr: "pipe",
        timeout: COMMAND_LIMIT,
        killSignal: "SIGKILL",
      });
      const [code, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
      const said = `${readFileSync(log, "utf8")}${stderr}`;
      return { code, error: codeIn(stderr), said: said.slice(-TAIL) };
    },
    async another(place, ms) {
      const beside = own(place);
      try {
        const log = join(place, "run.out");
        const child = await launch(beside, [...cliCommand(folder), "run", "-c", conf()], log);
        const timer = setTimeout(() => send(child, "SIGTERM"), ms);
        const killer = setTimeout(() => send(child, "SIGKILL"), ms + STOP_LIMIT);
        const code = await child.exited;
        clearTimeout(timer);
        clearTimeout(killer);
        return endOf(code, log);
      } finally {
        await beside.remove();
      }
    },
    async [Symbol.asyncDispose]() {
      isWanted = false;
      await owned.remove();
    },
  };
  return self;
}

/** Nothing of the developer's own AWS or NIMO settings. */
function environment(home: string): Record<string, string> {
  const { PATH = "" } = process.env;
  return { PATH, HOME: home, TMPDIR: tmpdir(), AWS_EC2_METADATA_DISABLED: "true" };
}

function send({ pid, alive }: Child, signal: NodeJS.Signals): void {
  try {
    if (alive()) process.kill(pid, signal);
  } catch {
    // gone a moment ago
  }
}

function endOf(code: number | null, log: string): End {
  const said = tailOf(log);
  return { code, error: codeIn(said), said };
}

function tailOf(log: string): string {
  return readFileSync(log, "utf8").slice(-TAIL);
}

/** Refused, since another process has finished the copy while this one was frozen: what is there is compared all the same. */
function isComplete({ code, error, said }: End): boolean {
  return code === 2 && error === "TARGET_EXISTS" && said.includes("this migration is complete since");
}

/** As text or as JSON. */
function codeIn(said: string): string | undefined {
  return /^error \[(\w+)\]/m.exec(said)?.[1] ?? /^\{.*"level":"error".*"code":"([A-Z_]+)"/m.exec(said)?.[1];
}
