/** A gate that all who read pass before they ask for more; closed, they come to rest one after the other. */

/** A gate that is held closed. */
export interface Closing {
  /** Resolves when nobody is inside, or the gate is open again. */
  readonly atRest: Promise<void>;
  /** Lets it go; may be called twice. The gate opens when nobody else holds it. */
  open(): void;
}

/** Ends somebody's being inside: all that he has read is where it should be. May be called twice. */
export type Leave = () => void;

/** See the top of the file. */
export interface Gate {
  readonly isClosed: boolean;
  /** Closes it for as long as this one, or another one, holds it. */
  close(): Closing;
  /** Waits while it is closed, and is inside then; an abort's reason is thrown. */
  enter(signal: AbortSignal): Promise<Leave>;
  /** Is inside at once: for who gets something from one who is. */
  inside(): Leave;
  /** Whether the gate is or gets closed before some work has come to its end. */
  closesBefore(work: Promise<unknown>): Promise<boolean>;
}

/** Makes an open one. */
export function createGate(): Gate {
  const holders = new Set<Closing>();
  const onClosed = new Set<() => void>();
  const onOpened = new Set<() => void>();
  const onRest = new Set<() => void>();
  let count = 0;
  const isClosed = (): boolean => holders.size > 0;

  async function opened(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    onOpened.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    onOpened.delete(wake);
    signal.removeEventListener("abort", wake);
    signal.throwIfAborted();
  }

  function inside(): Leave {
    count++;
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      if (--count === 0 && isClosed()) tell(onRest);
    };
  }

  return {
    get isClosed() {
      return isClosed();
    },
    inside,
    close() {
      const { promise: atRest, resolve } = Promise.withResolvers<void>();
      const closing: Closing = {
        atRest,
        open() {
          if (!holders.delete(closing) || isClosed()) return;
          tell(onOpened);
          tell(onRest);
        },
      };
      holders.add(closing);
      tell(onClosed);
      if (count === 0) resolve();
      else onRest.add(resolve);
      return closing;
    },
    async enter(signal) {
      // It may have been closed again since.
      while (isClosed()) await opened(signal);
      return inside();
    },
    async closesBefore(work) {
      // Who asks awaits the work itself; until then its failure isn't unhandled.
      work.catch(() => {});
      if (isClosed()) return true;
      return new Promise((resolve) => {
        const closed = (): void => resolve(true);
        const ended = (): void => {
          onClosed.delete(closed);
          resolve(false);
        };
        onClosed.add(closed);
        work.then(ended, ended);
      });
    },
  };
}

/** Tells each of those who wait, once. */
function tell(waiting: Set<() => void>): void {
  const told = [...waiting];
  waiting.clear();
  for (const each of told) each();
}
