/** A status for people. */
import type { StatusDocument, TableEntry } from "../../core/run/status-document.ts";
import { formatCount, formatRate, formatTime } from "../format.ts";
import { oneLine } from "../log/plain-text.ts";
import { columns, spanText } from "./columns.ts";
import { shardLines } from "./shards-text.ts";

const SECOND = 1000;
/** Of more tables their number is shown. */
const MOST_TABLES = 20;
const MOST_NAMED = 5;

/** How much room there is. */
export interface Room {
  /** Default: as much as there is to tell. */
  tables?: number;
  shards?: number;
  /** The terminal's columns, into which tables and shards have to fit. */
  width?: number | undefined;
}

/** The lines of it. */
export function statusLines(status: StatusDocument, room: Room = {}): string[] {
  const { id, version, syncMode, source, target, checkpoint, problems, start } = status;
  return [
    `nimo-shake ${version}, id = ${id}: ${processText(status)}`,
    `sync_mode: ${syncMode}`,
    `source: ${oneLine(source)}`,
    `target: ${oneLine(target)}`,
    `checkpoint: ${oneLine(checkpoint)}`,
    ...problems.map((problem) => `problem: ${oneLine(problem)}`),
    `phase: ${phaseText(status)}`,
    `last save: ${agoText(status.savedAt, status.now)}`,
    `lease: ${leaseText(status)}`,
    `switch over: ${switchOverText(status)}`,
    ...failureLines(status),
    ...tableLines(status.tables, room.tables ?? MOST_TABLES, room.width),
    ...(status.switchedOverAt === null ? shardLines(status.tables, room.shards, room.width) : []),
    ...leftOutLines(status),
    ...remainsLines(status),
    ...(start === null ? [] : [oneLine(start.text)]),
  ];
}

function processText({ running, answered, pid, host, startedAt, paused }: StatusDocument): string {
  if (!running) return "not running";
  const where = host === null ? "" : ` on host ${oneLine(host)}`;
  const when = startedAt === null ? "" : ` since ${formatTime(new Date(startedAt))}`;
  const silent = answered ? "" : "; it can't be asked from here, this is what its checkpoint says";
  return `${paused ? "paused" : "running"} as process ${pid ?? "?"}${where}${when}${silent}`;
}

const PHASES: Record<StatusDocument["phase"], string> = {
  none: "not begun",
  starting: "starting",
  full: "full, copying",
  incr: "incremental, following the changes",
  done: "done",
};

/** Where nothing runs. */
const AT_REST: Partial<Record<StatusDocument["phase"], string>> = {
  full: "full, stopped",
  incr: "incremental, stopped",
};

function phaseText({
  phase,
  lagSeconds,
  itemsPerSecond,
  etaSeconds,
  changesPerSecond,
  answered,
  running,
  switchedOverAt,
}: StatusDocument): string {
  if (switchedOverAt !== null) return "switched over";
  const lag = lagSeconds === null ? "" : spanText(lagSeconds);
  return [
    running ? PHASES[phase] : (AT_REST[phase] ?? PHASES[phase]),
    phase === "full" && itemsPerSecond !== null && formatRate(itemsPerSecond),
    phase === "full" && etaSeconds !== null && `ETA ${spanText(etaSeconds)}`,
    phase === "incr" && changesPerSecond !== null && `${formatCount(changesPerSecond)} changes/s`,
    phase === "incr" && lag !== "" && `${answered || !running ? "" : "at most "}${lag} behind`,
  ]
    .filter(Boolean)
    .join(", ");
}

function agoText(at: string | null, now: string): string {
  if (at === null) return "never";
  const ago = Math.max(0, Date.parse(now) - Date.parse(at)) / SECOND;
  return `${formatTime(new Date(at))}, ${spanText(ago)} ago`;
}

function leaseText({ lease }: StatusDocument): string {
  if (lease === null) return "nobody has it";
  const { pid, host, since, ageSeconds, alive } = lease;
  const who = `process ${pid} on host ${oneLine(host)} since ${sinceText(since)}`;
  return `${who}, renewed ${spanText(ageSeconds)} ago${alive ? "" : ", and gone"}`;
}

/** It is written by whoever has the lease. */
function sinceText(since: string): string {
  const at = new Date(since);
  return Number.isNaN(at.getTime()) ? oneLine(since) : formatTime(at);
}

function switchOverText({ switchOver, switchedOverAt: at }: StatusDocument): string {
  return oneLine(at === null ? switchOver.text : switchOver.text.replace(at, formatTime(new Date(at))));
}

function failureLines({ errors, lastError }: StatusDocument): string[] {
  const counts = Object.entries(errors).map(([code, count]) => `${code} ${formatCount(count)}×`);
  return [
    ...(counts.length === 0 ? [] : [`calls that failed and were made again: ${counts.join(", ")}`]),
    ...(lastError === null ? [] : [`last error [${lastError.code}] ${oneLine(lastError.message)}`]),
  ];
}

/** What most wants to be seen first. */
const ORDER: Record<TableEntry["state"], number> = {
  failed: 0,
  copying: 1,
  indexing: 2,
  following: 3,
  waiting: 4,
  done: 5,
  deleted: 6,
};

/** What a narrow terminal has no room for, the first one first. */
const SPARE = ["expected", "segments", "read", "changes"];

function tableLines(tables: TableEntry[], most: number, width?: number): string[] {
  if (tables.length === 0) return [];
  const sorted = tables.toSorted(
    (a, b) => ORDER[a.state] - ORDER[b.state] || behind(b) - behind(a) || (a.name < b.name ? -1 : 1),
  );
  const titles = ["table", "state", "segments", "read", "expected", "copied", "changes", "behind"];
  const lines = columns(titles, sorted.slice(0, most).map(tableRow), { width, spare: SPARE });
  const more = sorted.slice(most);
  return ["", ...lines, ...(more.length === 0 ? [] : [`… and ${more.length} more: ${countsText(more)}`])];
}

/** In whole seconds: what is up to date stays where it is from look to look. */
function behind({ stream }: TableEntry): number {
  if (stream === null) return -1;
  return stream.lagSeconds === null ? Number.MAX_VALUE : Math.floor(stream.lagSeconds);
}

function tableRow(table: TableEntry): string[] {
  const { name, state, segments, read, itemCount, share, stream } = table;
  const isBegun = state !== "waiting";
  return [
    oneLine(name),
    state,
    segments === null ? "" : `${segments.done} of ${segments.all}`,
    isBegun && segments !== null ? formatCount(read) : "",
    !itemCount || share === 1 ? "" : `~${formatCount(itemCount)}`,
    share === null || !isBegun ? "" : `${Math.floor(share * 100)}%`,
    stream?.written === undefined ? "" : formatCount(stream.written),
    // What was switched over is behind nothing.
    stream === null || state === "done"
      ? ""
      : stream.lagSeconds === null
        ? "not caught up"
        : spanText(stream.lagSeconds),
  ];
}

function countsText(tables: TableEntry[]): string {
  const counts = new Map<string, number>();
  for (const { state } of tables) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

function leftOutLines({ leftOut }: StatusDocument): string[] {
  return leftOut.slice(0, MOST_TABLES).map(({ name, code, message }) => {
    const why = `${code === null ? "" : `[${code}] `}${oneLine(message)}`;
    return `new at the source, and not migrated: ${oneLine(name)}, ${why}`;
  });
}

function remainsLines({ remains, phase }: StatusDocument): string[] {
  if (phase === "none") return [];
  const { copy, index } = remains;
  const indexOnly = index.filter((name) => !copy.includes(name));
  return [
    ...(copy.length === 0 ? [] : [`left to copy: ${namesText(copy)}`]),
    ...(indexOnly.length === 0 ? [] : [`left to build indexes for: ${namesText(indexOnly)}`]),
  ];
}

function namesText(names: string[]): string {
  const shown = names.slice(0, MOST_NAMED).map(oneLine).join(", ");
  const count = `${formatCount(names.length)} ${names.length === 1 ? "table" : "tables"}`;
  return `${count}, ${shown}${names.length > MOST_NAMED ? ", …" : ""}`;
}
