/**
 * Whether a shard is at its tip. One answer doesn't tell: the service gives fewer records than there are, or none, as it
 * likes. Several over some time do, unless one brings what was there before the request before it.
 */
import type { StreamPage } from "../types.ts";

const SECOND = 1000;
/** So many answers, the first and the last so far apart. */
const ANSWERS = 4;
const SPAN = 2 * SECOND;
/** The service rounds a record's time down, and shows it a little later. */
const GRAIN = 1.5 * SECOND;

/** See the top of the file. */
export interface TipWatch {
  /** When the newest request was sent by which the shard is surely at its tip, in ms since 1970. */
  readonly settledAt: number | undefined;
  /** Takes the answers in their order. */
  saw(page: StreamPage): void;
}

/** Watches one shard. */
export function watchTip(): TipWatch {
  let answers = 0;
  let since = 0;
  let sentAt = 0;

  return {
    get settledAt() {
      return answers >= ANSWERS && sentAt - since >= SPAN ? sentAt : undefined;
    },
    saw({ tip, records, sentAt: now }) {
      const oldest = records[0]?.time;
      const wasThere = answers > 0 && oldest !== undefined && oldest + GRAIN < sentAt;
      if (!tip || wasThere) answers = 0;
      if (tip && answers++ === 0) since = now;
      sentAt = now;
    },
  };
}
