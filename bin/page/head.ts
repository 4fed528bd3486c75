/** What migrates whereto, whether the page is still told of it, and what a listener is told. */
import type { RunStatus } from "../../core/progress/run-status.ts";
import type { LiveStatus } from "../http/live.ts";
import type { Link } from "./connection.ts";
import { byId, setAttribute, setText, showFacts } from "./dom.ts";
import { duration, type Kind, percent, phaseOf } from "./words.ts";

const SECOND = 1000;

const LINKS: Record<Link, { text: string; kind: Kind }> = {
  connecting: { text: "connecting", kind: "wait" },
  live: { text: "live", kind: "good" },
  silent: { text: "no news", kind: "warn" },
  lost: { text: "connection lost", kind: "bad" },
  over: { text: "ended", kind: "wait" },
};

/** Shows the run's identity. */
export function showIdentity(status: RunStatus): void {
  setText(byId("id"), status.id);
  setText(byId("route"), `${status.source} → ${status.target}`);
  const ran = (Date.parse(status.now) - Date.parse(status.startedAt)) / SECOND;
  showFacts(byId("identity"), [
    ["Mode", `sync_mode = ${status.syncMode}`],
    ["Source", status.source],
    ["Target", status.target],
    ["Checkpoint", status.checkpoint],
    ["Started", `${status.startedAt.slice(0, 19).replace("T", " ")} UTC, ${duration(ran)} ago`],
    ["Version", `nimo-shake ${status.version}`],
    ["Process", `${status.pid} on ${status.host}`],
  ]);
}

/** Shows how the page is connected, and what everybody should see before all else. */
export function showLink(link: Link, live: LiveStatus | undefined): void {
  const badge = byId("link");
  setText(badge, LINKS[link].text);
  setAttribute(badge, "data-kind", LINKS[link].kind);
  setAttribute(document.body, "data-link", link);
  const { text, kind } = noticeOf(link, live?.status);
  const notice = byId("notice");
  notice.hidden = text === "";
  setText(notice, text);
  setAttribute(notice, "data-kind", kind);
  if (live !== undefined) document.title = titleOf(link, live);
}

function noticeOf(link: Link, status: RunStatus | undefined): { text: string; kind: Kind } {
  const at = status === undefined ? "" : `; below is how it was at ${status.now.slice(11, 19)} UTC`;
  const failed = status?.lastError ?? null;
  if (failed !== null) return { text: `The run has failed. ${failed.code}: ${failed.message}`, kind: "bad" };
  if (link === "lost")
    return {
      text: `The process doesn't answer, trying again${at}. It may have ended: see its log.`,
      kind: "bad",
    };
  if (link === "silent") return { text: `The process has said nothing for 15 seconds${at}.`, kind: "warn" };
  if (link === "over")
    return status?.phase === "done"
      ? { text: `The run is done${at}.`, kind: "good" }
      : {
          text: `The run was stopped${at}. A new start goes on from its checkpoint: load this page again then.`,
          kind: "warn",
        };
  if (status?.paused)
    return { text: "The run is paused: nothing is read until it is resumed.", kind: "warn" };
  return { text: "", kind: "good" };
}

function titleOf(link: Link, { status, share }: LiveStatus): string {
  if (link !== "live") return `${LINKS[link].text}: ${status.id}`;
  if (status.phase === "full" && share !== null) return `${percent(share)} ${status.id}`;
  const lag = status.lagSeconds === null ? "" : `, ${duration(status.lagSeconds)} behind`;
  return `${status.id}: ${phaseOf(status).toLowerCase()}${lag}`;
}

/** Tells a listener what changes rarely: the connection, the phase, and whether one may switch over. */
export function createTeller(): (link: Link, status: RunStatus) => void {
  let told = "";
  let since = 0;
  return (link, status) => {
    const { good } = status.switchOver;
    const light = status.syncMode === "full" ? "" : `, switch over: ${good ? "yes" : "not yet"}`;
    const text = `${LINKS[link].text}, ${phaseOf(status)}${light}`;
    const now = performance.now();
    // What goes to and fro is told once in a while.
    if (text === told || (told !== "" && now - since < 10 * SECOND)) return;
    told = text;
    since = now;
    setText(byId("say"), text);
  };
}
