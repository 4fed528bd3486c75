/** One plot: lines over time, and in its caption the values under the cursor, else the newest. */
import uPlot from "uplot";
import type { LivePoint } from "../http/live.ts";
import { make, setAttribute, setText } from "./dom.ts";

const SECOND = 1000;
const DAY_SECONDS = 86_400;
/** Of the drawing, in px. */
const HEIGHT = 180;
const FONT = "12px system-ui, sans-serif";
/** The second line differs from the first in more than its colour. */
const DASH = [6, 4];

/** A line of a plot. */
export interface Line {
  name: string;
  value(point: LivePoint): number | null;
  text(value: number): string;
}

/** A plot of the page. */
export interface Plot {
  element: HTMLElement;
  draw(points: readonly LivePoint[]): void;
  /** It is made anew when it is drawn next, with the colours of then. */
  forget(): void;
}

/** Adds a plot to `root`; `axis` says a number at the axis. */
export function createPlot(
  root: HTMLElement,
  title: string,
  axis: (value: number) => string,
  lines: readonly Line[],
): Plot {
  const readout = make("span", { class: "faint" });
  const keys = lines.map(({ name }, index) => make("span", { class: `key line-${index}` }, name));
  const place = make("div", { class: "plot", role: "img", "aria-label": title });
  const caption = make("figcaption", {}, make("h3", {}, title), ...keys, readout);
  if (lines.length === 1) keys[0]!.classList.add("unseen");
  const element = make("figure", {}, caption, place);
  root.append(element);
  let seen: readonly LivePoint[] = [];
  let shown: boolean[] = lines.map(() => true);
  let plot: uPlot | undefined;
  new ResizeObserver(() => {
    if (place.clientWidth > 0) plot?.setSize(size());
  }).observe(place);

  return {
    element,
    draw(points) {
      seen = points;
      chooseLines();
      plot ??= new uPlot(options(), data(), place);
      plot.setData(data());
      tell();
    },
    forget,
  };

  function forget(): void {
    plot?.destroy();
    plot = undefined;
  }

  function areSeveral(): boolean {
    return shown.filter(Boolean).length > 1;
  }

  /** A line that is zero all the time is left out, but not the last one. */
  function chooseLines(): void {
    const moves = lines.map(({ value }) => seen.some((point) => (value(point) ?? 0) > 0));
    const wanted = moves.some(Boolean) ? moves : lines.map((_, index) => index === 0);
    if (wanted.every((is, index) => is === shown[index])) return;
    shown = wanted;
    for (const [index, key] of keys.entries()) key.hidden = !shown[index]!;
    setAttribute(caption, "data-several", areSeveral() ? "" : undefined);
    // It is made anew when it is drawn.
    forget();
  }

  function size(): { width: number; height: number } {
    return { width: place.clientWidth, height: HEIGHT };
  }

  function data(): uPlot.AlignedData {
    return [seen.map(({ at }) => at / SECOND), ...lines.map(({ value }) => seen.map(value))];
  }

  function options(): uPlot.Options {
    const { color: stroke } = getComputedStyle(readout);
    const { borderTopColor } = getComputedStyle(place);
    const common = { stroke, font: FONT, grid: { stroke: borderTopColor, width: 1 }, ticks: { show: false } };
    return {
      ...size(),
      // As in the log.
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * SECOND), "Etc/UTC"),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      padding: [8, 22, 0, 0],
      scales: { y: { range: (_, __, most) => [0, Math.max((most ?? 0) * 1.1, 1)] } },
      axes: [
        { ...common, size: 28, space: 58, values: (_, times) => clockOf(times) },
        { ...common, size: 60, values: (_, values) => values.map(axis) },
      ],
      series: [{}, ...lines.map((_, index) => seriesOf(index))],
      hooks: { setCursor: [tell] },
    };
  }

  function seriesOf(index: number): uPlot.Series {
    const { color } = getComputedStyle(keys[index]!);
    return {
      stroke: color,
      width: 2,
      points: { show: false },
      show: shown[index]!,
      ...(index > 0 && areSeveral() && { dash: DASH }),
      ...(!areSeveral() && { fill: color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)") }),
    };
  }

  function tell(): void {
    const index = plot?.cursor.idx ?? undefined;
    const point = (index === undefined ? undefined : seen[index]) ?? seen.at(-1);
    if (point === undefined) return;
    const values = lines
      .filter((_, index) => shown[index])
      .map(({ name, value, text }, _, all) => {
        const known = value(point);
        return `${all.length > 1 ? `${name} ` : ""}${known === null ? "not known" : text(known)}`;
      })
      .join(", ");
    setText(readout, `${new Date(point.at).toISOString().slice(11, 19)} UTC: ${values}`);
    setAttribute(place, "aria-label", `${title} over time: ${values}`);
  }
}

/** With the date where another day begins, and seconds where minutes are too coarse. */
function clockOf(times: readonly number[]): string[] {
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  return times.map((seconds) => {
    const iso = new Date(seconds * SECOND).toISOString();
    if (seconds % DAY_SECONDS === 0) return iso.slice(5, 10);
    return step < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
  });
}
