/** What plugins hand over in their setup, looked at at once: a name misspelt there would simply never be called. */
import { nearestTo } from "../config/nearest.ts";
import { MigrationError } from "../errors.ts";
import type { HookName } from "./hooks.ts";
import type { Checkpoint, Converter, Roles, Source, Streams, Target } from "./roles.ts";

const HOOKS: Record<HookName, true> = {
  setup: true,
  "table:before": true,
  "table:after": true,
  "fetch:before": true,
  "fetch:after": true,
  "convert:before": true,
  "convert:after": true,
  "write:before": true,
  "write:after": true,
  "index:before": true,
  "index:after": true,
  "checkpoint:before": true,
  "checkpoint:after": true,
  error: true,
  close: true,
};

/** The methods that are always called. */
const METHODS: Record<keyof Roles, readonly string[]> = {
  source: ["tables", "units", "read"] satisfies (keyof Source)[],
  streams: ["open", "shards", "children", "read"] satisfies (keyof Streams)[],
  convert: ["convert", "fieldPath"] satisfies (keyof Converter)[],
  target: [
    "check",
    "find",
    "makeRoom",
    "create",
    "resume",
    "write",
    "index",
    "count",
  ] satisfies (keyof Target)[],
  checkpoint: ["load", "save", "clear"] satisfies (keyof Checkpoint)[],
};

/**
 * Refuses a hook that doesn't exist, or a function that is none.
 *
 * @throws MigrationError PLUGIN_INVALID
 */
export function checkHook(name: string, fn: unknown, plugin: string): void {
  if (!Object.hasOwn(HOOKS, name)) throw unknown("hook", name, Object.keys(HOOKS), plugin);
  if (typeof fn !== "function") throw invalid(`what is hooked into ${name} is no function`, plugin);
}

/**
 * Refuses a role that doesn't exist, or that lacks a method.
 *
 * @throws MigrationError PLUGIN_INVALID
 */
export function checkRole(role: string, implementation: unknown, plugin: string): void {
  if (!Object.hasOwn(METHODS, role)) throw unknown("role", role, Object.keys(METHODS), plugin);
  const methods = (implementation ?? {}) as Record<string, unknown>;
  const missing = METHODS[role as keyof Roles].filter((name) => typeof methods[name] !== "function");
  if (missing.length > 0) throw invalid(`its ${role} has no method ${missing.join(", ")}`, plugin);
}

function unknown(kind: string, name: string, known: string[], plugin: string): MigrationError {
  const nearest = nearestTo(String(name), known);
  const hint = nearest === undefined ? `there are ${known.join(", ")}` : `if ${nearest} is meant, write that`;
  return invalid(`there is no ${kind} ${String(name)}`, plugin, hint);
}

function invalid(what: string, plugin: string, hint = "correct the plugin, or leave it out"): MigrationError {
  return new MigrationError("PLUGIN_INVALID", `${what}: plugin ${plugin}`, { hint });
}
