/** The context of a run: who fills the roles, which hooks are called, when it stops. */
import { createConsola, type ConsolaInstance } from "consola";
import { createHooks, type Hookable } from "hookable";
import type { Config } from "../config/config.ts";
import { allSettings, createRedactor } from "../config/redact.ts";
import { MigrationError, reasonOf } from "../errors.ts";
import { checkedOptions } from "../plugin/options.ts";
import { checkHook, checkRole } from "../plugin/provided.ts";
import { EDITING_HOOKS, type HookName, type Hooks } from "../plugin/hooks.ts";
import { createGate, type Gate } from "../flow/gate.ts";
import { createMemoryBudget } from "../flow/memory-budget.ts";
import type { AnyPlugin } from "../plugin/plugin.ts";
import { createProgress, type Progress } from "../progress/progress.ts";
import { noteSkip } from "../progress/table-notes.ts";
import { fenced } from "./fence.ts";
import { answering } from "../plugin/answers.ts";
import { createPluginCalls } from "./plugin-calls.ts";
import type { Roles } from "../plugin/roles.ts";
import { skippedFile } from "../stages/skipped-file.ts";
import type { Context } from "../plugin/context.ts";

const SECOND = 1000;
/** For what is being written when the run is to stop; a user waits 10 s at most in all. */
const GRACE = 7 * SECOND;
/** So small a part of that every call of a plugin may take, however late it begins. */
const LAST_PART = 5;
const PATIENCE = 120 * SECOND;

/** A context and what only its owner may do with it. */
export interface OwnedContext extends Context, AsyncDisposable {
  /** Whether a plugin fills a role. */
  isFilled(role: keyof Roles): boolean;
  /** What `mayWrite` asks; without one everything may be written. */
  guard(mayWrite: () => void | Promise<void>): void;
  /** Tells those who want to know that settings were changed. */
  changed(): void;
  /**
   * Runs a plugin's `setup`.
   *
   * @param isBuiltIn it ends its calls itself when the run is to stop: nobody else does
   */
  use(plugin: AnyPlugin, options?: unknown, isBuiltIn?: boolean): Promise<void>;
}

/** What {@link createContext} takes. */
export interface ContextOptions {
  config: Config;
  log?: ConsolaInstance;
  progress?: Progress;
  signal?: AbortSignal;
  /** Default: one that nobody closes. */
  gate?: Gate;
  /** Those of plugins: what is a secret of them is kept nowhere. */
  pluginOptions?: Readonly<Record<string, unknown>>;
  /** How long a call that keeps failing is made again, in ms; default 2 minutes. */
  patience?: number;
  /** For tests: for so long after a stop what is being done may take, in ms; default 7 s. */
  grace?: number;
}

/** Makes the context of one run. Disposing it closes the roles in reverse order. */
export function createContext(options: ContextOptions): OwnedContext {
  const { config, progress = createProgress() } = options;
  // Without a reporter it says nothing, whatever its level is set to.
  const { log = createConsola({ level: -999, reporters: [] }) } = options;
  const stopping = new AbortController();
  const outer = options.signal ?? stopping.signal;
  const signal = AbortSignal.any([outer, stopping.signal]);
  const hooks: Hookable<Hooks> = createHooks<Hooks>();
  const listeners = new Map<HookName, number>();
  const roles = new Map<keyof Roles, { by: string; implementation: Roles[keyof Roles] }>();
  const closing = new AsyncDisposableStack();
  const redact = createRedactor(allSettings(config, options.pluginOptions));
  const skipped = closing.use(skippedFile(config.id, redact));
  const abandoning = new AbortController();
  const memory = createMemoryBudget(() => config["memory.limit"]);
  progress.memory = memory;
  const sameOptions = new Map<string, unknown>();
  const setListeners = new Set<() => void>();
  let grace: NodeJS.Timeout | undefined;
  let mayWrite = (): void | Promise<void> => {};
  signal.addEventListener("abort", startGrace, { once: true });
  const { grace: patient = GRACE } = options;
  const calls = createPluginCalls({ log, abandon: abandoning.signal, last: patient / LAST_PART });
  let current: Pick<AnyPlugin, "name" | "keepsKeys"> & { isBuiltIn?: boolean } = { name: "nimo-shake" };
  const keyChangers = new Set<string>();

  function startGrace(): void {
    grace = setTimeout(() => abandoning.abort(signal.reason), patient);
  }

  return {
    config,
    log,
    progress,
    memory,
    sameOptions,
    signal,
    abandon: abandoning.signal,
    patience: options.patience ?? PATIENCE,
    stop: (reason) => stopping.abort(reason),
    gate: options.gate ?? createGate(),
    onSet(listener) {
      setListeners.add(listener);
      return { [Symbol.dispose]: () => void setListeners.delete(listener) };
    },
    changed() {
      memory.resized();
      for (const each of setListeners) each();
    },
    mayWrite: () => mayWrite(),
    guard: (by) => void (mayWrite = by),
    provide(role, implementation) {
      const { name: by, isBuiltIn = false } = current;
      checkRole(role, implementation, by);
      const taken = roles.get(role);
      if (taken !== undefined) {
        throw new MigrationError("PLUGIN_INVALID", `two plugins provide the ${role}: ${taken.by} and ${by}`, {
          hint: "leave one of them out",
        });
      }
      const watched = isBuiltIn
        ? implementation
        : calls.watched(`${role} of plugin ${by}`, answering(role, implementation, by));
      const guarded = fenced(role, watched, () => mayWrite());
      roles.set(role, { by, implementation: guarded });
      closing.defer(async () => {
        if ("close" in watched) await watched.close?.();
      });
    },
    keyChangers,
    hook(name, fn) {
      const { name: by } = current;
      checkHook(name, fn, by);
      if (EDITING_HOOKS.has(name) && !current.keepsKeys) keyChangers.add(current.name);
      listeners.set(name, (listeners.get(name) ?? 0) + 1);
      // hookable types its names as a nested union that a generic name can't be matched with.
      const called = (event: never): unknown =>
        calls.wait(`the ${name} hook of plugin ${by}`, () => fn(event), true);
      (hooks.hook as (name: string, fn: unknown) => void)(name, called);
    },
    role<Role extends keyof Roles>(role: Role): Roles[Role] {
      const found = roles.get(role);
      if (found === undefined) {
        throw new MigrationError("PLUGIN_INVALID", `no plugin provides the ${role}`, {
          hint:
            role === "target"
              ? "name the plugin that does in plugins, or set another target.type"
              : "name the plugin that does in plugins",
        });
      }
      return found.implementation as Roles[Role];
    },
    call(name, event) {
      if (!listeners.has(name)) return;
      const call = hooks.callHook as (name: string, event: unknown) => unknown;
      return runHook(name, async () => void (await call(name, event)));
    },
    listens: (name) => listeners.has(name),
    async skip(skip) {
      const { records, unit } = skip.batch;
      await skipped.write(skip);
      const counters = progress.tables.get(unit.table.name);
      if (counters !== undefined) {
        counters.skipped += records.length;
        noteSkip(counters, skip.error.message);
      }
      log.warn(`${records.length} skipped, see ${skipped.path}: ${skip.error.message}`);
    },
    isFilled: (role) => roles.has(role),
    async use(plugin, pluginOptions, isBuiltIn = false) {
      current = { ...plugin, isBuiltIn };
      if (plugin.sameOptions === true) sameOptions.set(plugin.name, pluginOptions ?? {});
      const checked = checkedOptions(plugin, pluginOptions);
      await calls.wait(`the setup of plugin ${plugin.name}`, () => plugin.setup(this, checked), true);
    },
    async [Symbol.asyncDispose]() {
      try {
        await closing.disposeAsync();
      } catch (error) {
        throw firstOf(error);
      } finally {
        calls[Symbol.dispose]();
        signal.removeEventListener("abort", startGrace);
        clearTimeout(grace);
      }
    },
  };
}

/** Of several failures while closing the first: the stack keeps it as the innermost suppressed one. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error;
}

/** A hook's own MigrationError passes through; anything else is named as the hook's failure. */
async function runHook(name: HookName, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    throw new MigrationError("HOOK_FAILED", `a plugin's ${name} hook threw: ${reasonOf(error)}`, {
      cause: error,
      hint: "correct the plugin, or leave it out",
    });
  }
}
