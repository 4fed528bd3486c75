/** What is measured: the names of the figures, what they say, and their digits. */

/** One figure's row in a report. */
export interface Measure {
  label: string;
  digits: number;
  /** Which is better; neither: it tells something. */
  better: "more" | "less" | "neither";
}

/** A benchmark's words. */
export interface Words {
  /** What is counted: item or record. */
  unit: string;
  /** What the ratio is made with: floor or copy. */
  base: string;
}

const MEASURES = {
  perSecond: ["{unit}s/s", 0, "more"],
  insertMs: ["inserts, ms", 0, "less"],
  indexMs: ["indexes, ms", 0, "less"],
  wallMs: ["spawn to exit, ms", 0, "less"],
  pureMs: ["first request to done, ms", 0, "less"],
  firstMs: ["start to first request for records, ms", 0, "less"],
  cpuUs: ["CPU, µs {unit}", 1, "less"],
  peakMb: ["peak memory, MB", 0, "less"],
  spillMb: ["on the disk, MB", 0, "less"],
  ratio: ["{unit}s/s, of the {base}", 2, "more"],
  pureRatio: ["the same without start and end", 2, "more"],
  fetchShare: ["lanes: fetch, %", 0, "neither"],
  convertShare: ["lanes: convert, %", 0, "neither"],
  writeShare: ["lanes: write, %", 0, "neither"],
  idleShare: ["main thread: idle, %", 0, "neither"],
  answerMs: ["the source's answer, ms", 2, "neither"],
  gapMs: ["from it to the next request, ms", 2, "less"],
  sourceCpuUs: ["the source's CPU, µs {unit}", 2, "less"],
  targetCpuUs: ["the target's CPU, µs {unit}", 2, "less"],
} as const;
export type MeasureName = keyof typeof MEASURES;

/** What one run of one side gave. */
export type Sample = Partial<Record<MeasureName, number>>;

/** All of them, in the order of a report. */
export const MEASURE_NAMES = Object.keys(MEASURES) as MeasureName[];

/** In a benchmark's words. */
export function measureOf(name: MeasureName, { unit, base }: Words): Measure {
  const [label, digits, better] = MEASURES[name];
  const each = unit === "item" ? "an item" : `a ${unit}`;
  const text = label.startsWith("{unit}") ? label.replace("{unit}", unit) : label.replace("{unit}", each);
  return { label: text.replace("{base}", base), digits, better };
}
