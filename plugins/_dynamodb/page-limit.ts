/**
 * How many items a request may ask for on a way that is too slow for full pages: the time of one request runs until its answer's last
 * byte, and one that has come too late once would do so again and again.
 */

/** Asked for at most behind an answer that came too late. */
const FIRST = 128;
/** Who asks for so many gets what the service's limit of bytes allows: more don't fit. */
export const ENOUGH = 100_000;
/** An answer that took less than this part of the time lets the next page be twice as large. */
const QUICK = 0.25;

/** The part of a request that matters here. */
interface Limited {
  Limit?: number | undefined;
}

/** See the top of the file. */
export interface PageLimit {
  /** What a request gets that asks for so many; undefined: as many as the service likes. */
  of(asked: number | undefined): number | undefined;
  /** Makes one try; the request asks for less when there was no answer in time. */
  watch<T>(request: Limited, send: () => Promise<T>): Promise<T>;
}

/**
 * Of one table's pages, or one shard's.
 *
 * @param timeout for one request, in ms; 0: for ever
 * @param clock in ms
 */
export function createPageLimit(timeout: number, clock: () => number = () => performance.now()): PageLimit {
  let limit = Number.POSITIVE_INFINITY;

  function late(asked: number): void {
    // Others that were asked for as much have been late by now, too.
    limit = Math.min(limit, FIRST, Math.max(1, Math.floor(asked / 2)));
  }

  function came(asked: number, ms: number): void {
    if (ms < timeout * QUICK) limit = Math.max(limit, asked * 2);
    if (limit > ENOUGH) limit = Number.POSITIVE_INFINITY;
  }

  const of = (asked: number | undefined): number | undefined => {
    const most = Math.min(limit, asked ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(most) ? most : undefined;
  };

  return {
    of,
    async watch(request, send) {
      const asked = request.Limit ?? ENOUGH;
      const from = clock();
      try {
        const answer = await send();
        came(asked, clock() - from);
        return answer;
      } catch (error) {
        if (error instanceof Error && error.name === "TimeoutError") {
          late(asked);
          const less = of(request.Limit);
          if (less !== undefined) request.Limit = less;
        }
        throw error;
      }
    },
  };
}
