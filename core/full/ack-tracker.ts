/**
 * What is acknowledged without a hole: of the pages read in order, the last one whose documents, and all
 * before them, are written. Batches are cut from the pages' documents in order; their answers come in any.
 */
export interface AckTracker<Mark> {
  /** A page of so many documents has been read; `mark` is given back when they are written. */
  pageRead(documents: number, mark: Mark): void;
  /** A batch of the oldest documents is sent; what is returned is to be called when it is acknowledged. */
  batchSent(documents: number): () => void;
  /** The pages reached since the last call, in order. */
  takeAcknowledged(): Mark[];
}

/** An empty one. */
export function createAckTracker<Mark>(): AckTracker<Mark> {
  const pages: { end: number; mark: Mark }[] = [];
  const batches: { end: number; done: boolean }[] = [];
  let read = 0;
  let sent = 0;
  let acknowledged = 0;

  return {
    pageRead(documents, mark) {
      read += documents;
      pages.push({ end: read, mark });
    },
    batchSent(documents) {
      sent += documents;
      const batch = { end: sent, done: false };
      batches.push(batch);
      return () => {
        batch.done = true;
        while (batches[0]?.done) acknowledged = batches.shift()!.end;
      };
    },
    takeAcknowledged() {
      const marks: Mark[] = [];
      while (pages[0] !== undefined && pages[0].end <= acknowledged) marks.push(pages.shift()!.mark);
      return marks;
    },
  };
}
