/** What plugins and every part of a run work with. */
import type { ConsolaInstance } from "consola";
import type { Config } from "../config/config.ts";
import type { Gate } from "../flow/gate.ts";
import type { MemoryBudget } from "../flow/memory-budget.ts";
import type { Progress } from "../progress/progress.ts";
import type { HookEvent, HookName, Hooks, Stage } from "./hooks.ts";
import type { Roles } from "./roles.ts";
import type { MigrationError } from "../errors.ts";
import type { Batch } from "../types.ts";

/** Records that are left out, and why. */
export interface Skip {
  stage: Stage;
  batch: Batch;
  error: MigrationError;
}

/** What every part of a run gets first: configuration, log, hooks, roles and the signal to stop. */
export interface Context {
  /** Some of its values may change while it runs, see {@link Context.onSet}: what is read anew is always right. */
  readonly config: Config;
  readonly log: ConsolaInstance;
  readonly progress: Progress;
  /** What all units together may hold of pages, changes and writes on their way, in bytes. */
  readonly memory: MemoryBudget;
  /** The options of the plugins that want the same ones when a run is gone on with, by name. */
  readonly sameOptions: ReadonlyMap<string, unknown>;
  /**
   * Aborted when the run is to stop: by the caller, or by the first failure, which is its reason.
   * Nothing new is begun then; what is being written is finished and the checkpoint saved.
   */
  readonly signal: AbortSignal;
  /** Aborted some seconds after `signal`: who still waits for an answer gives up. */
  readonly abandon: AbortSignal;
  /** How long a call that keeps failing is made again before the run ends, in ms; 2 min, if nobody says otherwise. */
  readonly patience: number;
  /** Closed while the run is paused: who reads tables or streams passes it before each request. */
  readonly gate: Gate;
  /** Told when settings were changed while it runs; the configuration has them. Disposing what is returned ends that. */
  onSet(listener: () => void): Disposable;
  /**
   * Whether anything may be written now: waits while that is in doubt, fails with ALREADY_RUNNING when another process
   * has taken over. The core asks before every write; a plugin that makes one again asks before each further try.
   */
  mayWrite(): void | Promise<void>;
  /** Stops the run; the first reason is the one that is thrown. */
  stop(reason: unknown): void;
  /** Fills a role, in `setup`; a role taken twice is an error that names both plugins (PLUGIN_INVALID). */
  provide<Role extends keyof Roles>(role: Role, implementation: Roles[Role]): void;
  /** Adds a hook, in `setup`. */
  hook<Name extends HookName>(name: Name, fn: Hooks[Name]): void;
  /** Who fills a role, once all plugins are set up; a role nobody fills is an error (PLUGIN_INVALID). */
  role<Role extends keyof Roles>(role: Role): Roles[Role];
  /** Calls a hook's functions one after the other; costs nothing when there are none. Fails with HOOK_FAILED, or a hook's own MigrationError. */
  call<Name extends HookName>(name: Name, event: HookEvent<Name>): void | Promise<void>;
  /** Whether anybody listens to a hook. */
  listens(name: HookName): boolean;
  /** The plugins that may edit records and don't say that they keep their keys. */
  readonly keyChangers: ReadonlySet<string>;
  /**
   * Leaves records out for good: they are on the disk, in `<id>-skipped.jsonl`, when it resolves.
   *
   * @throws MigrationError SKIP_FAILED
   */
  skip(skip: Skip): Promise<void>;
}
