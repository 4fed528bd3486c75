/** What is to be known first: is it alive, how far, how far behind, may one switch over, what is wrong. */
import { formatCount, formatShort, formatThroughput } from "../format.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import type { LivePoint, LiveStatus } from "../http/live.ts";
import type { Link } from "./connection.ts";
import { make, makeBar, setAttribute, setBar, setText } from "./dom.ts";
import { BEHIND, count, duration, type Kind, percent, phaseOf, rate, someOf } from "./words.ts";

const SECOND = 1000;

/** What a tile says. */
interface Said {
  value: string;
  /** Under it. */
  more: string;
  kind?: Kind;
}

/** What is known of this moment and the last ones. */
export interface Recent {
  link: Link;
  /** Of the last seconds. */
  points: readonly LivePoint[];
  /** In the last minute. */
  retries: number;
}

/** Fills `root` with tiles, and gives what shows a status. */
export function createTiles(root: HTMLElement): (live: LiveStatus, recent: Recent) => void {
  const phase = addTile(root, "Phase");
  const bar = makeBar("Copied");
  phase.element.append(bar);
  const light = addTile(root, "Switch over now?");
  light.element.classList.add("light");
  const behind = addTile(root, "Behind the source");
  const speed = addTile(root, "Throughput");
  const trouble = addTile(root, "Trouble");
  const units = addTile(root, "Read units");
  return (live, { link, points: recent, retries }) => {
    const { status, share } = live;
    phase.show(phaseSaid(live, link));
    const isCopying = status.phase === "full";
    bar.hidden = !isCopying;
    if (isCopying) setBar(bar, share);
    light.show(lightSaid(status, link));
    behind.show(behindSaid(status, recent.at(-1)?.behind ?? null));
    speed.show(speedSaid(status, recent));
    trouble.show(troubleSaid(status, retries));
    units.show(unitsSaid(status, recent));
  };
}

function addTile(root: HTMLElement, name: string): { element: HTMLElement; show(said: Said): void } {
  const value = make("p", { class: "value" });
  const more = make("p", { class: "more" });
  const element = make("div", { class: "tile" }, make("h3", {}, name), value, more);
  root.append(element);
  return {
    element,
    show(said) {
      setText(value, said.value);
      setText(more, said.more);
      setAttribute(element, "data-kind", said.kind);
    },
  };
}

function phaseSaid({ status, share }: LiveStatus, link: Link): Said {
  const value = phaseOf(status);
  if (status.lastError !== null) return { value, more: status.lastError.code, kind: "bad" };
  if (link === "over" && status.phase !== "done")
    return { value: "Stopped", more: "a new start goes on from its checkpoint", kind: "warn" };
  const more = [count(status.tables.length, "table")];
  const step = { full: "step 1 of 2", incr: "step 2 of 2", starting: "", done: "" }[status.phase];
  if (status.syncMode === "all" && step !== "") more.push(step);
  if (status.phase === "full") {
    if (status.etaSeconds !== null) more.unshift(`about ${duration(status.etaSeconds)} left`);
    const known = share === null ? value : `${value} ${percent(share)}`;
    return { value: known, more: more.join(", "), kind: status.paused ? "warn" : "busy" };
  }
  const kind = status.paused ? "warn" : status.phase === "done" ? "good" : "busy";
  return { value, more: more.join(", "), kind };
}

function lightSaid({ switchOver, phase, syncMode, lastError, now }: RunStatus, link: Link): Said {
  if (lastError !== null) return { value: "No", more: "the run has failed", kind: "bad" };
  if (syncMode === "full") {
    const isDone = phase === "done";
    const more = isDone ? "all is copied" : "when all is copied; later changes aren't followed";
    return { value: isDone ? "Yes" : "Not yet", more, kind: isDone ? "good" : "wait" };
  }
  if (phase === "done") return { value: "Done", more: "all that was written is applied", kind: "good" };
  if (link !== "live")
    return { value: "Not known", more: `nothing was heard since ${now.slice(11, 19)} UTC`, kind: "wait" };
  if (switchOver.good) return { value: "Yes", more: "every shard is at its tip", kind: "good" };
  const waits = { starting: "the run has just begun", full: "the copy isn't done" };
  const more = phase === "incr" ? `waits for ${someOf(switchOver.waitsFor)}` : waits[phase];
  return { value: "Not yet", more, kind: "wait" };
}

function behindSaid({ lagSeconds, phase, syncMode, tables }: RunStatus, age: number | null): Said {
  if (syncMode === "full") return { value: "–", more: "nothing is followed with sync_mode = full" };
  if (lagSeconds !== null) {
    const most = tables.find(({ stream }) => stream?.lagSeconds === lagSeconds);
    const more = most === undefined ? "" : `the most of all shards, in ${most.name}`;
    return { value: duration(lagSeconds), more, kind: lagSeconds > BEHIND ? "warn" : "good" };
  }
  const waits = phase === "full" ? "tables are followed once they are copied" : "no shard is known yet";
  if (age === null) return { value: "–", more: waits };
  const more = phase === "full" ? "the most of what is copied" : "still catching up";
  return { value: duration(age), more, kind: "busy" };
}

function speedSaid({ phase }: RunStatus, recent: readonly LivePoint[]): Said {
  const what = phase === "full" ? "items" : "changes";
  const span = recent.reduce((sum, point) => sum + point.span, 0);
  const mean = (name: "items" | "changes" | "bytes"): number =>
    span > 0 ? recent.reduce((sum, point) => sum + point[name] * point.span, 0) / span : 0;
  return { value: `${rate(mean(what))}/s`, more: `${what}, ${formatThroughput(mean("bytes"))} read` };
}

function troubleSaid({ retries, savedAt, now, tables, leftOut }: RunStatus, recent: number): Said {
  const failed = tables.filter(({ state }) => state === "failed").map(({ name }) => name);
  if (failed.length > 0)
    return { value: `${count(failed.length, "table")} failed`, more: someOf(failed), kind: "bad" };
  const [first] = leftOut;
  if (first !== undefined) {
    const value = `${count(leftOut.length, "new table")} left out`;
    return { value, more: `${first.name}: ${first.message}`, kind: "warn" };
  }
  const again = retries.source + retries.target + retries.checkpoint;
  const saved = savedAt === null ? "nothing saved yet" : `positions saved ${duration(ago(savedAt, now))} ago`;
  if (again === 0) return { value: "None", more: saved, kind: "good" };
  const more = `${recent === 0 ? "none" : formatCount(recent)} in the last minute; ${saved}`;
  return { value: count(again, "retry", "retries"), more, kind: recent > 0 ? "warn" : "wait" };
}

function unitsSaid({ tables }: RunStatus, recent: readonly LivePoint[]): Said {
  const all = tables.reduce((sum, { readUnits }) => sum + readUnits, 0);
  return { value: formatShort(Math.round(all)), more: `by Scans, ${rate(recent.at(-1)?.units ?? 0)}/s now` };
}

function ago(time: string, now: string): number {
  return Math.max(0, Date.parse(now) - Date.parse(time)) / SECOND;
}
