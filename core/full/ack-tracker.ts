/**
 * What is acknowledged without a hole: of the pages read in order, the last one whose documents, and all
 * before them, are written. Batches are cut from the pages' documents in order; their answers come in any.
 */

/** A page whose documents, and all before them, are acknowledged. */
export interface Acknowledged<Mark> {
  /** What was given with it. */
  mark: Mark;
  /** Documents of its batches that were left out instead of written. */
  dropped: number;
}

/** See the top of the file. */
export interface AckTracker<Mark> {
  /**
   * A page of so many documents has been read; `mark` is given back when they are written.
   *
   * @param release called then
   */
  pageRead(documents: number, mark: Mark, release?: () => void): void;
  /**
   * A batch of the oldest documents is sent; what is returned is to be called when it is acknowledged, with how
   * many of them were left out. A batch of which some are has documents of one page only.
   */
  batchSent(documents: number): (dropped?: number) => void;
  /** The pages reached since the last call, in order. */
  takeAcknowledged(): Acknowledged<Mark>[];
}

/** An empty one. */
export function createAckTracker<Mark>(): AckTracker<Mark> {
  const pages: { end: number; mark: Mark; release: (() => void) | undefined }[] = [];
  const batches: { end: number; done: boolean; dropped: number }[] = [];
  /** Acknowledged batches with documents left out, of pages not reached yet. */
  const drops: { end: number; dropped: number }[] = [];
  let read = 0;
  let sent = 0;
  let acknowledged = 0;

  function droppedUntil(end: number): number {
    let sum = 0;
    while (drops[0] !== undefined && drops[0].end <= end) sum += drops.shift()!.dropped;
    return sum;
  }

  return {
    pageRead(documents, mark, release) {
      read += documents;
      pages.push({ end: read, mark, release });
    },
    batchSent(documents) {
      sent += documents;
      const batch = { end: sent, done: false, dropped: 0 };
      batches.push(batch);
      return (dropped = 0) => {
        Object.assign(batch, { done: true, dropped });
        while (batches[0]?.done) {
          const first = batches.shift()!;
          acknowledged = first.end;
          if (first.dropped > 0) drops.push(first);
        }
      };
    },
    takeAcknowledged() {
      const reached: Acknowledged<Mark>[] = [];
      while (pages[0] !== undefined && pages[0].end <= acknowledged) {
        const { end, mark, release } = pages.shift()!;
        release?.();
        reached.push({ mark, dropped: droppedUntil(end) });
      }
      return reached;
    },
  };
}
