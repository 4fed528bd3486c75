/** Whether something grows: what is so in the first third after the warm-up is compared with the last one. */

/** What has to stay as it is. */
export interface Watched {
  name: string;
  /** In their order. */
  values: readonly number[];
  /** It may grow by such a share, and by so much beside. */
  allowed: { share: number; more: number };
  /** The least of a third counts, not its median: what is garbage by then is among the others. */
  least?: boolean;
}

/** What became of it. */
export interface Judged {
  name: string;
  /** Medians of the first and the last third, or their least. */
  early: number;
  late: number;
  limit: number;
  grows: boolean;
}

/** Values before this share of all are the warm-up. */
const WARM_UP = 0.2;

/** Judges one figure. @throws Error when there are too few values to tell */
export function judge({ name, values, allowed, least = false }: Watched): Judged {
  const of = (some: readonly number[]): number => (least ? Math.min(...some) : median(some));
  const warm = values.slice(Math.ceil(values.length * WARM_UP));
  const third = Math.floor(warm.length / 3);
  if (third < 1) throw new Error(`${name}: ${values.length} values are too few to tell`);
  const early = of(warm.slice(0, third));
  const late = of(warm.slice(-third));
  const limit = early * (1 + allowed.share) + allowed.more;
  return { name, early, late, limit, grows: late > limit };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** As a table for people. */
export function verdictLines(judged: readonly Judged[]): string[] {
  const shown = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));
  return judged.map(
    ({ name, early, late, limit, grows }) =>
      `${grows ? "GROWS" : "flat "}  ${name}: ${shown(early)} at first, ${shown(late)} at last (at most ${shown(limit)})`,
  );
}
