/** Metrics of the run as a whole. */
import { ERROR_CODES } from "../../../core/errors.ts";
import type { RunPhase, Side, TableState } from "../../../core/progress/progress.ts";
import { switchable } from "../../../core/progress/stream-progress.ts";
import type { Family } from "./family.ts";

const SECOND = 1000;

const PHASES: readonly RunPhase[] = ["starting", "full", "incr", "done"];
const SIDES: readonly Side[] = ["source", "target", "checkpoint"];
const STATES: readonly TableState[] = [
  "waiting",
  "copying",
  "indexing",
  "done",
  "following",
  "failed",
  "deleted",
];

/** See the top of the file. */
export const RUN_FAMILIES: readonly Family[] = [
  {
    kind: "gauge",
    name: "nimoshake_build_info",
    help: "1; which migration this is, and by which version",
    labels: ["version", "id", "sync_mode", "source", "target"],
    *read({ view }) {
      const { version, id, syncMode, source, target } = view.identity;
      yield { labels: { version, id, sync_mode: syncMode, source, target }, value: 1 };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_start_timestamp_seconds",
    help: "When this process began with the migration",
    labels: [],
    *read({ view }) {
      yield { value: view.progress.startedAt / SECOND };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_phase",
    help: "1 for what the run is at: starting, full, incr or done",
    labels: ["phase"],
    *read({ view }) {
      for (const phase of PHASES) yield { labels: { phase }, value: Number(view.progress.phase === phase) };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_paused",
    help: "1 while nothing is read because the run is paused",
    labels: [],
    *read({ view }) {
      yield { value: Number(view.progress.paused) };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_switchover_ready",
    help: "1 while every shard of every table is at its tip",
    labels: [],
    *read({ view, now }) {
      yield { value: Number(switchable(view.progress, now).good) };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_last_save_timestamp_seconds",
    help: "When a checkpoint was saved last by this process",
    labels: [],
    *read({ view: { progress } }) {
      yield { value: progress.savedAt === undefined ? undefined : progress.savedAt / SECOND };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_memory_held_bytes",
    help: "Memory of what is read and not written yet",
    labels: [],
    *read({ view: { progress } }) {
      yield { value: progress.memory?.used };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_memory_limit_bytes",
    help: "How much of it there may be: memory.limit",
    labels: [],
    *read({ view: { progress } }) {
      yield { value: progress.memory?.limit };
    },
  },
  {
    kind: "counter",
    name: "nimoshake_errors_total",
    help: "Calls that failed, those that went well when they were made again too, by the code of the error",
    labels: ["code"],
    *read({ view }) {
      for (const code of ERROR_CODES) yield { labels: { code }, value: view.progress.errors.get(code) ?? 0 };
    },
  },
  {
    kind: "counter",
    name: "nimoshake_retries_total",
    help: "Calls that were made again, by the side that they are made to",
    labels: ["side"],
    *read({ view }) {
      for (const side of SIDES) yield { labels: { side }, value: view.progress.retries[side] };
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_tables",
    help: "Tables by their state; done: copied, following: copied, and its stream is followed, deleted: at the source, while it was followed",
    labels: ["state"],
    *read({ view }) {
      const tables = [...view.progress.tables.values()];
      for (const state of STATES) {
        yield { labels: { state }, value: tables.filter((table) => table.state === state).length };
      }
    },
  },
  {
    kind: "gauge",
    name: "nimoshake_tables_left_out",
    help: "Tables that have appeared at the source while the others are followed, and can't be migrated now",
    labels: [],
    *read({ view }) {
      yield { value: view.progress.leftOut.size };
    },
  },
];
