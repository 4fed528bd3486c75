/** What the figures should be, for each kind. */
import type { MeasureName } from "./measures.ts";
import type { Shape } from "./orders.ts";
import { figureOf, number, type Report, show, type Target } from "./report.ts";

/** At least so much of the floor, and at most so many µs of CPU, for items of that size. */
const FULL: Partial<Record<Shape, { ratio?: number; cpuUs?: number }>> = {
  small: { cpuUs: 3 },
  medium: { ratio: 0.7, cpuUs: 7.5 },
  large: { ratio: 0.75 },
};
const INCR = { ratio: 0.85, cpuUs: 15, firstMs: 2_000 };
const PROXY = { perSecond: 30_000, cpuUs: 12 };
const VERIFY = { ratio: 0.6 };
const PEAK_MB = 400;
/** Ten times the items may show this much more: a collector's mood, no growth. */
const GROWTH = 1.25;

/** Of a copy to MongoDB. */
export function fullTargets(report: Report): Target[] {
  const { ratio, cpuUs } = FULL[report.shape] ?? {};
  return [
    ...least(report, "tool", "ratio", ratio, "of the floor", 2),
    ...most(report, "tool", "cpuUs", cpuUs, "µs of CPU an item", 1),
    ...memory(report, "tool"),
  ];
}

/** Of changes that are followed. */
export function incrTargets(report: Report): Target[] {
  const usual = report.shape === "medium" && report.options["mix"] === undefined;
  return [
    ...least(report, "tool", "ratio", INCR.ratio, "of the floor", 2),
    ...most(report, "tool", "cpuUs", usual ? INCR.cpuUs : undefined, "µs of CPU a record", 1),
    ...most(report, "tool", "firstMs", INCR.firstMs, "ms from the start to the first request for records"),
    ...memory(report, "tool"),
  ];
}

/** Of a copy to a DynamoDB-protocol target. */
export function proxyTargets(report: Report): Target[] {
  const { perSecond, cpuUs } = report.shape === "medium" ? PROXY : {};
  return [
    ...least(report, "tool", "perSecond", perSecond, "items/s"),
    ...most(report, "tool", "cpuUs", cpuUs, "µs of CPU an item", 1),
    ...memory(report, "tool"),
  ];
}

/** Of a comparison. */
export function verifyTargets(report: Report): Target[] {
  const grown = report.growth?.sides["verify"]?.ratio;
  return [
    ...least(report, "verify", "ratio", VERIFY.ratio, "of the copy", 2),
    ...(grown === undefined
      ? []
      : [
          {
            name: `at least ${VERIFY.ratio} of the copy at ${number(report.growth!.items)} items`,
            figure: number(grown, 2),
            holds: grown >= VERIFY.ratio,
          },
        ]),
    ...memory(report, "verify"),
  ];
}

/** What is asked of a side's figure; nothing where there is no limit, or no figure. */
type Asked = [
  report: Report,
  side: string,
  name: MeasureName,
  limit: number | undefined,
  what: string,
  digits?: number,
];

const least = (...asked: Asked): Target[] => limited("at least", (median, limit) => median >= limit, asked);
const most = (...asked: Asked): Target[] => limited("at most", (median, limit) => median <= limit, asked);

function limited(
  how: string,
  isWithin: (median: number, limit: number) => boolean,
  [report, side, name, limit, what, digits = 0]: Asked,
): Target[] {
  const found = figureOf(report, name, side);
  if (limit === undefined || found === undefined) return [];
  const holds = isWithin(found.median, limit);
  return [{ name: `${how} ${number(limit, digits)} ${what}`, figure: show(found, digits), holds }];
}

function memory(report: Report, side: string): Target[] {
  const peak = figureOf(report, "peakMb", side);
  if (peak === undefined) return [];
  const grown = report.growth?.sides[side]?.peakMb;
  const highest = Math.max(peak.max, grown ?? 0);
  const times = (grown ?? 0) / peak.max;
  return [
    { name: `at most ${PEAK_MB} MB`, figure: number(highest), holds: highest <= PEAK_MB },
    ...(grown === undefined
      ? []
      : [
          {
            name: `no growth to ${number(report.growth!.items)} items (× ${GROWTH})`,
            figure: number(times, 2),
            holds: times <= GROWTH,
          },
        ]),
  ];
}
