/** Times that this host's clock gave, and whether they can be believed: it may have been set since. */

/** So far clocks that are right are apart at most, in ms: requests that are signed by others are refused. */
const APART = 15 * 60_000;

/** Whether a time that was noted, in ms since 1970, is still to come: the clock was ahead then, and nobody knows when that was. */
export function isAhead(at: number): boolean {
  return at - Date.now() > APART;
}
