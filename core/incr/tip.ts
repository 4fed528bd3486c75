/**
 * Whether a shard is at its tip. One answer doesn't tell: the service gives fewer records than there are, or none, as it
 * likes. Several over some time do, unless one brings what was there before the request before it. Where that can't be
 * told, because the record's time is a whole minute, they are counted from that one on. Who has had whole minutes only, and
 * several of them, is DynamoDB Local, which gives what it has: there the newest has to bring nothing.
 */
import { headsOf } from "../plugin/changes.ts";
import type { StreamPage } from "../types.ts";

const SECOND = 1000;
/** So many answers, the first and the last so far apart. */
const ANSWERS = 4;
const SPAN = 2 * SECOND;
/** The service rounds a record's time down, and shows it a little later. */
export const GRAIN: number = 1.5 * SECOND;
/** DynamoDB Local rounds it down to the minute. */
const MINUTE = 60 * SECOND;

/** Answers by which a shard is surely at its tip. */
export interface Settled {
  /** When the first request was sent of the fewest that tell it, in ms since 1970. */
  from: number;
  /** When the newest request was sent. */
  at: number;
}

/** See the top of the file. */
export interface TipWatch {
  /** Undefined: that can't be said. */
  readonly settled: Settled | undefined;
  /** Takes the answers in their order. */
  saw(page: StreamPage): void;
}

/** Watches one shard. */
export function watchTip(): TipWatch {
  /** When the requests were sent that reached the tip in a row: no more of them than tell it. */
  let row: number[] = [];
  let sentAt = 0;
  /** Some record had a time that is no whole minute. */
  let isFine = false;
  /** Records' times until then: one of them, or two that differ; none: they have no times. */
  const minutes = new Set<number>();
  /** The newest answer brought records of which no time tells whether they were there before. */
  let isUncertain = false;

  return {
    get settled() {
      const [from] = row;
      return from !== undefined && !isUncertain && row.length >= ANSWERS && sentAt - from >= SPAN
        ? { from, at: sentAt }
        : undefined;
    },
    saw(page) {
      const { tip, sentAt: now } = page;
      const changes = headsOf(page);
      isFine ||= changes.some(({ time = 0 }) => time % MINUTE !== 0);
      isUncertain = changes.length > 0 && !isFine;
      for (const { time } of changes) if (minutes.size < 2 && time !== undefined) minutes.add(time);
      const oldest = changes[0]?.time;
      const shownBy = (oldest ?? now) + GRAIN + (isFine ? 0 : MINUTE);
      const wasThere = row.length > 0 && shownBy < sentAt;
      if (!tip || wasThere || (isUncertain && minutes.size === 1)) row = [];
      if (tip) row.push(now);
      while (row.length > ANSWERS && now - row[1]! >= SPAN) row.shift();
      sentAt = now;
    },
  };
}
