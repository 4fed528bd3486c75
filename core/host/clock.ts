/** Times that this host's clock gave, and whether they can be believed: it may have been set since. */

/** So far clocks that are right are apart at most, in ms: requests that are signed by others are refused. */
const APART = 15 * 60_000;

/** Whether a time that was noted, in ms since 1970, is still to come: the clock was ahead then, and nobody knows when that was. */
export function isAhead(at: number): boolean {
  return at - Date.now() > APART;
}

/** A clock that was set is believed when it has gone on like that for so long, in ms. */
const PROBATION = 10 * 60_000;

/** Makes {@link believed} of clocks, both in ms: what this host says the time is, and one that only goes on. */
export function createBelief(wall: () => number, steady: () => number): (at: number) => number {
  let set = { wall: wall(), steady: steady() };
  /** Since when the clock is another one than that, and by how much. */
  let doubt: { since: number; by: number } | undefined;

  /** The time, as it goes on from when the clock was believed last. */
  function expected(): number {
    const now = { wall: wall(), steady: steady() };
    const by = now.wall - set.wall - (now.steady - set.steady);
    if (Math.abs(by) <= APART) doubt = undefined;
    else if (doubt === undefined || Math.abs(doubt.by - by) > APART) doubt = { since: now.steady, by };
    if (doubt === undefined || now.steady - doubt.since > PROBATION) {
      set = now;
      doubt = undefined;
    }
    return set.wall + now.steady - set.steady;
  }

  return (at) => {
    const time = expected();
    // A machine that slept looks like a clock that was set, too: what is too early only makes a gap be feared sooner.
    return at - time > APART ? time : at;
  };
}

/**
 * A time that this host's clock has just given, in ms since 1970; when the clock jumped ahead a moment ago, the one that it
 * would be without that. What is noted while a clock is wrong for a second would be in the way for a day.
 */
export const believed: (at: number) => number = createBelief(
  () => Date.now(),
  () => performance.now(),
);
