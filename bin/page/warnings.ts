/** The log's last warnings and errors, the newest first, and what was tried again. */
import type { RecentLine } from "../log/recent.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import { formatCount } from "../format.ts";
import { byId, make, setText } from "./dom.ts";
import { count } from "./words.ts";

/** So many are shown before somebody asks for all. */
const FEW = 8;

/** Fills `root`, and gives what shows the warnings. */
export function createWarnings(root: HTMLElement): (lines: readonly RecentLine[]) => void {
  let isWhole = false;
  let last: readonly RecentLine[] = [];
  const button = make("button", { type: "button" });
  root.after(button);
  button.addEventListener("click", () => {
    isWhole = true;
    show(last);
  });
  show(last);
  return show;

  function show(lines: readonly RecentLine[]): void {
    last = lines;
    const newest = lines.toReversed();
    root.replaceChildren(...newest.slice(0, isWhole ? newest.length : FEW).map(lineOf));
    setText(
      byId("tally"),
      lines.length === 0 ? "none so far" : `${count(lines.length, "line")} of the log, the newest first`,
    );
    button.hidden = isWhole || lines.length <= FEW;
    setText(button, `Show all ${count(lines.length, "line")}`);
  }
}

function lineOf({ time, level, message }: RecentLine): HTMLElement {
  const isError = level === "error";
  return make(
    "li",
    {},
    make("time", { datetime: time }, `${time.slice(0, 19).replace("T", " ")} UTC`),
    make("span", { class: "mark", "data-kind": isError ? "bad" : "warn" }, isError ? "error" : "warning"),
    make("span", { class: "message" }, message),
  );
}

/** Says how often which side was asked again, and why. */
export function showErrors({ errors, retries }: RunStatus): void {
  const sides = Object.entries(retries).filter(([, times]) => times > 0);
  const often = Object.entries(errors).sort(([, a], [, b]) => b - a);
  const parts = [
    ...sides.map(([side, times]) => `${side} asked again ${count(times, "time")}`),
    ...often.map(([code, times]) => `${code} ×${formatCount(times)}`),
  ];
  setText(byId("errors"), parts.join(", "));
}
