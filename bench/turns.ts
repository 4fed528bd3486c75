/** A benchmark from its first turn to its report. */
import type { Options } from "./command-line.ts";
import { buildExecutable, EXECUTABLE } from "./executable.ts";
import { GROWTH_FACTOR, settingsOf } from "./flags.ts";
import type { Kind } from "./kind.ts";
import { ownVersions, thisMachine } from "./machine.ts";
import { say } from "./main.ts";
import { number, type Report, rowsOf, type Turn } from "./report.ts";

/** Runs it. Throws when a run fails or has done the wrong thing. */
export async function measure(kind: Kind, options: Options, signal: AbortSignal): Promise<Report> {
  const { items, runs, shape, sets, tool } = options;
  if (tool === EXECUTABLE) buildExecutable();
  await using session = await kind.open(options, signal);
  const turns: Turn[] = [];
  for (let run = 0; run <= runs; run++) {
    signal.throwIfAborted();
    const turn = await session.turn(run);
    say(`${run === 0 ? "warm-up" : `run ${run}`}: ${described(turn)}`);
    if (run > 0) turns.push(turn);
  }
  const once = (await session.once?.()) ?? [];
  const report: Report = {
    format: 1,
    kind: options.kind,
    shape,
    items,
    runs,
    options: unusual(options),
    at: new Date().toISOString(),
    machine: thisMachine(),
    versions: {
      ...ownVersions(),
      ...(session.mongod && { MongoDB: session.mongod.replace("MongoDB ", "") }),
    },
    conf: { ...session.conf, ...settingsOf(sets) },
    sides: session.sides,
    rows: rowsOf(turns, session.sides, kind.words),
    targets: [],
  };
  if (options.growth) {
    const sides = await session.growth!(items * GROWTH_FACTOR);
    say(`${items * GROWTH_FACTOR} items: ${described(sides)}`);
    report.growth = { items: items * GROWTH_FACTOR, sides };
  }
  report.targets = [...kind.targets(report), ...once];
  return report;
}

function described(turn: Turn): string {
  const each = Object.entries(turn).map(([side, { wallMs, perSecond, cpuUs, peakMb }]) => {
    const speed = wallMs === undefined ? `${number(perSecond ?? NaN)}/s` : `${number(wallMs)} ms`;
    return [
      `${side} ${speed}`,
      ...(cpuUs === undefined ? [] : [`${number(cpuUs, 1)} µs`]),
      ...(peakMb === undefined ? [] : [`${number(peakMb)} MB`]),
    ].join(" ");
  });
  return each.join(", ");
}

/** Options that change what the figures mean. */
function unusual(options: Options): Report["options"] {
  const { gsi, shards, idle, mix, defaults, sourceLatency, targetLatency, extra, kind } = options;
  const all = {
    gsi,
    ...(kind === "incr" && shards !== 4 && { shards }),
    idle,
    mix,
    defaults,
    sourceLatency,
    targetLatency,
  };
  return Object.fromEntries(
    Object.entries({ ...all, extra }).filter(([, value]) => value !== 0 && value !== false),
  );
}
