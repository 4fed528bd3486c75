/**
 * How many bytes of pages, changes and writes on their way a run holds: one budget for all units of both phases,
 * whatever their number.
 */

const MIB = 1024 * 1024;
/** Records as objects take so many times the bytes they came in: parsed, converted and encoded 10, and as much that isn't collected yet. */
export const OBJECTS = 20;
/** Documents that are encoded from a page's bytes: these, what they were received in, the documents and their message. */
export const ENCODED = 4;
/** Changes that are encoded: also their statements, which are copies, and what of both isn't collected yet. */
export const ENCODED_CHANGES = 8;
/** What bytes are held for: pages of the full phase on their way to documents and writes, or changes of the streams. */
export type Purpose = "pages" | "changes";
/** How much of the limit each may use: Scans that wait for their rate hold their room, and must not starve the streams. */
const SHARES: Record<Purpose, number> = { pages: 0.75, changes: 1 };
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
   * reservation for the same purpose, one is let in however much is held otherwise, so that the run always goes on.
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
  /** Bytes that may be held: `memory.limit`. */
  readonly limit: number;
  /** Whether pages use most of what they may, or wait: what could be on its way should not wait for more. */
  readonly isTight: boolean;
  /** A unit's part. */
  unit(purpose: Purpose): UnitMemory;
  /** Lets in who fits since the limit was changed. */
  resized(): void;
}

/**
 * Makes a run's.
 *
 * @param limit for all of it together, in bytes; read each time
 */
export function createMemoryBudget(limit: () => number): MemoryBudget {
  interface Waiter {
    of: Share;
    bytes: number;
    go: () => void;
  }
  interface Share {
    purpose: Purpose;
    bytes: number;
    held: Set<Held>;
  }
  /** What all units of one purpose have. */
  interface Part {
    share: number;
    used: number;
    reserved: number;
    /** In the order of their coming. */
    waiters: Set<Waiter>;
  }
  const emptyPart = (share: number): Part => ({ share, used: 0, reserved: 0, waiters: new Set() });
  const parts: Record<Purpose, Part> = {
    pages: emptyPart(SHARES.pages),
    changes: emptyPart(SHARES.changes),
  };
  const mostOf = ({ share }: Part): number => limit() * share;
  const used = (): number => parts.pages.used + parts.changes.used;

  function next({ waiters }: Part): Waiter | undefined {
    let least: Waiter | undefined;
    for (const waiter of waiters) {
      if (least === undefined || waiter.of.bytes < least.of.bytes) least = waiter;
    }
    return least;
  }

  function hasRoom(part: Part, bytes: number): boolean {
    return part.reserved === 0 || (part.used + bytes <= mostOf(part) && used() + bytes <= limit());
  }

  function letIn(): void {
    for (const part of [parts.changes, parts.pages]) {
      for (
        let waiter = next(part);
        waiter !== undefined && hasRoom(part, waiter.bytes);
        waiter = next(part)
      ) {
        part.waiters.delete(waiter);
        waiter.go();
      }
    }
  }

  function held(share: Share, first: number, isPage: boolean): Held {
    const part = parts[share.purpose];
    let bytes = 0;
    const change = (to: number): void => {
      part.used += to - bytes;
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
        if (isPage) part.reserved--;
        letIn();
      },
    };
    share.held.add(self);
    if (isPage) part.reserved++;
    change(first);
    return self;
  }

  return {
    get used() {
      return used();
    },
    get limit() {
      return limit();
    },
    get isTight() {
      return parts.pages.waiters.size > 0 || parts.pages.used > mostOf(parts.pages) * 0.75;
    },
    resized: letIn,
    unit(purpose) {
      const share: Share = { purpose, bytes: 0, held: new Set() };
      const part = parts[purpose];
      return {
        async reserve(bytes, signal) {
          signal?.throwIfAborted();
          if (part.waiters.size === 0 && hasRoom(part, bytes)) return held(share, bytes, true);
          return new Promise((resolve, reject) => {
            const giveUp = (): void => {
              part.waiters.delete(waiter);
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
            part.waiters.add(waiter);
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
