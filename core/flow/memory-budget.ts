/**
 * How many bytes of pages, changes and writes on their way a run holds: one budget for all units of both phases,
 * whatever their number.
 */

const MIB = 1024 * 1024;
/** For all of them together. The process takes about three times as much: what is freed is collected later. */
export const LIMIT: number = 96 * MIB;
/** Records as objects take about so many times the bytes they came in. */
export const OBJECTS = 4;
/** Documents that are encoded from a page's bytes keep these with them. */
export const ENCODED = 2;
/** What is reserved for a page before its size is known: DynamoDB's limit. */
export const PAGE_BYTES: number = MIB;

/** Bytes that are held. */
export interface Held {
  /** So many they are in truth. */
  resize(bytes: number): void;
  /** They are gone; may be called twice. */
  release(): void;
}

/** A unit's part of the budget. */
export interface UnitMemory {
  /**
   * Waits until a page of so many bytes may be read, and reserves room for it. Who holds least goes first; when nobody has such a
   * reservation, one is let in however much is held otherwise, so that the run always goes on.
   */
  reserve(bytes: number, signal?: AbortSignal): Promise<Held>;
  /** Counts bytes that are there already. */
  hold(bytes: number): Held;
  /** Releases all that the unit holds. */
  close(): void;
}

/** See the top of the file. */
export interface MemoryBudget {
  /** Bytes held now. */
  readonly used: number;
  /** Whether most of it is used, or somebody waits: what could be on its way should not wait for more. */
  readonly isTight: boolean;
  /** A unit's part. */
  unit(): UnitMemory;
}

/** Makes a run's. */
export function createMemoryBudget(limit: number = LIMIT): MemoryBudget {
  interface Waiter {
    of: Share;
    bytes: number;
    go: () => void;
  }
  interface Share {
    bytes: number;
    held: Set<Held>;
  }
  /** In the order of their coming. */
  const waiters = new Set<Waiter>();
  let used = 0;
  let reserved = 0;

  function next(): Waiter | undefined {
    let least: Waiter | undefined;
    for (const waiter of waiters) {
      if (least === undefined || waiter.of.bytes < least.of.bytes) least = waiter;
    }
    return least;
  }

  function hasRoom(bytes: number): boolean {
    return reserved === 0 || used + bytes <= limit;
  }

  function letIn(): void {
    for (let waiter = next(); waiter !== undefined && hasRoom(waiter.bytes); waiter = next()) {
      waiters.delete(waiter);
      waiter.go();
    }
  }

  function held(share: Share, first: number, isPage: boolean): Held {
    let bytes = 0;
    const change = (to: number): void => {
      used += to - bytes;
      share.bytes += to - bytes;
      bytes = to;
    };
    const self: Held = {
      resize(to) {
        if (!share.held.has(self)) return;
        change(to);
        letIn();
      },
      release() {
        if (!share.held.delete(self)) return;
        change(0);
        if (isPage) reserved--;
        letIn();
      },
    };
    share.held.add(self);
    if (isPage) reserved++;
    change(first);
    return self;
  }

  return {
    get used() {
      return used;
    },
    get isTight() {
      return waiters.size > 0 || used > limit * 0.75;
    },
    unit() {
      const share: Share = { bytes: 0, held: new Set() };
      return {
        async reserve(bytes, signal) {
          signal?.throwIfAborted();
          if (waiters.size === 0 && hasRoom(bytes)) return held(share, bytes, true);
          return new Promise((resolve, reject) => {
            const giveUp = (): void => {
              waiters.delete(waiter);
              reject(signal!.reason as Error);
            };
            const waiter: Waiter = {
              of: share,
              bytes,
              go() {
                signal?.removeEventListener("abort", giveUp);
                resolve(held(share, bytes, true));
              },
            };
            waiters.add(waiter);
            signal?.addEventListener("abort", giveUp, { once: true });
          });
        },
        hold: (bytes) => held(share, bytes, false),
        close() {
          for (const each of share.held) each.release();
        },
      };
    },
  };
}
