/** Throughput, lag and read units over time. */
import type { LivePoint } from "../http/live.ts";
import { coarsen } from "../http/history.ts";
import { formatShort } from "../format.ts";
import { make } from "./dom.ts";
import { createPlot } from "./plot.ts";
import { duration, rate } from "./words.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const RANGES: readonly { name: string; ms: number }[] = [
  { name: "5 min", ms: 5 * MINUTE },
  { name: "1 h", ms: HOUR },
  { name: "24 h", ms: 24 * HOUR },
  { name: "all", ms: Number.POSITIVE_INFINITY },
];

/** More points than this can't be told apart. */
const MOST = 500;
/** For how long a point may stand; steps that are few, so that points stay where they are. */
const STEPS = [SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR];

/** The plots, until the page is closed. */
export interface Plots {
  show(points: readonly LivePoint[]): void;
  /** The colours are others now. */
  recolour(): void;
}

/** Fills `root` with the plots, and `choice` with what chooses the range. */
export function createPlots(root: HTMLElement, choice: HTMLElement): Plots {
  let range = RANGES[0]!.ms;
  let points: readonly LivePoint[] = [];
  const perSecond = (value: number): string => `${rate(value)}/s`;
  const plots = [
    createPlot(root, "Throughput", formatShort, [
      { name: "items copied", value: ({ items }) => items, text: perSecond },
      { name: "changes applied", value: ({ changes }) => changes, text: perSecond },
    ]),
    createPlot(root, "Behind the source", axisDuration, [
      { name: "behind", value: ({ behind }) => behind, text: duration },
    ]),
    createPlot(root, "Read units of Scans", formatShort, [
      { name: "read units", value: ({ units }) => units, text: perSecond },
    ]),
  ];
  addChoice(choice, (ms) => {
    range = ms;
    draw();
  });
  return {
    show(all) {
      points = all;
      draw();
    },
    recolour() {
      for (const plot of plots) plot.forget();
      draw();
    },
  };

  function draw(): void {
    const end = points.at(-1)?.at ?? 0;
    const inRange = points.filter(({ at }) => end - at <= range);
    const span = end - (inRange[0]?.at ?? end);
    const step = STEPS.find((step) => span / step <= MOST) ?? STEPS.at(-1)!;
    const seen = coarsen(inRange, step);
    const isCopying = seen.some(({ units }) => units > 0);
    const isFollowing = seen.some(({ behind }) => behind !== null);
    const wanted = [true, isFollowing || !isCopying, isCopying];
    for (const [index, plot] of plots.entries()) {
      plot.element.hidden = !wanted[index]!;
      if (wanted[index]!) plot.draw(seen);
    }
  }
}

/** `0.25 s`, `90` is `1m 30s`. */
function axisDuration(seconds: number): string {
  return seconds < 10 ? `${Math.round(seconds * 100) / 100} s` : duration(seconds);
}

function addChoice(choice: HTMLElement, onChange: (ms: number) => void): void {
  for (const [index, { name, ms }] of RANGES.entries()) {
    const input = make("input", { type: "radio", name: "range" });
    input.checked = index === 0;
    input.addEventListener("change", () => onChange(ms));
    choice.append(make("label", {}, input, make("span", {}, name)));
  }
}
