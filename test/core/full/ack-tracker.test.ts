/** How far a checkpoint may move: pages whose documents are all written, and no further. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AckTracker, createAckTracker } from "../../../core/full/ack-tracker.ts";

/** The marks of the pages reached since the last look. */
function reached<Mark>(tracker: AckTracker<Mark>): Mark[] {
  return tracker.takeAcknowledged().map(({ mark }) => mark);
}

describe("what is acknowledged without a hole", () => {
  test("a page whose documents are in a batch that is still on its way isn't reached, nor are those behind", () => {
    const tracker = createAckTracker<string>();
    for (const name of ["a", "b", "c"]) tracker.pageRead(2, name);
    const [first, second] = [tracker.batchSent(3), tracker.batchSent(3)];
    second();
    expect(reached(tracker)).toEqual([]);
    first();
    expect(reached(tracker)).toEqual(["a", "b", "c"]);
    expect(reached(tracker)).toEqual([]);
  });

  test("what a page takes is given back when it is reached, once and not before", () => {
    const tracker = createAckTracker<string>();
    const released: string[] = [];
    for (const name of ["a", "b"]) tracker.pageRead(2, name, () => released.push(name));
    const [first, second] = [tracker.batchSent(3), tracker.batchSent(1)];
    second();
    reached(tracker);
    expect(released).toEqual([]);
    first();
    reached(tracker);
    reached(tracker);
    expect(released).toEqual(["a", "b"]);
  });

  test("a page without documents is reached with those before it", () => {
    const tracker = createAckTracker<string>();
    tracker.pageRead(0, "empty");
    expect(reached(tracker)).toEqual(["empty"]);
    tracker.pageRead(1, "full");
    tracker.pageRead(0, "end");
    expect(reached(tracker)).toEqual([]);
    tracker.batchSent(1)();
    expect(reached(tracker)).toEqual(["full", "end"]);
  });

  test("whatever the pages, the batches and the order of the answers: exactly the pages before the first hole", () => {
    const sizes = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat(100)),
        (pages, size, picks) => {
          const tracker = createAckTracker<number>();
          for (const [i, documents] of pages.entries()) tracker.pageRead(documents, i);
          const total = pages.reduce((sum, each) => sum + each, 0);
          const open: { from: number; done: () => void }[] = [];
          for (let from = 0; from < total; from += size) {
            open.push({ from, done: tracker.batchSent(Math.min(size, total - from)) });
          }
          const marks = reached(tracker);
          for (;;) {
            const hole = Math.min(total, ...open.map(({ from }) => from));
            let end = 0;
            const expected = [...pages.keys()].filter((i) => (end += pages[i]!) <= hole);
            expect(marks).toEqual(expected.slice(0, expected.length));
            if (open.length === 0) break;
            open.splice(Number(picks.next().value) % open.length, 1)[0]!.done();
            marks.push(...reached(tracker));
          }
        },
      ),
    );
  });

  test("what was left out of a batch is told with its page, whenever the answers come", () => {
    const tracker = createAckTracker<string>();
    tracker.pageRead(3, "a");
    const [first, second] = [tracker.batchSent(2), tracker.batchSent(1)];
    tracker.pageRead(2, "b");
    const third = tracker.batchSent(2);
    third(2);
    second(1);
    expect(tracker.takeAcknowledged()).toEqual([]);
    first();
    expect(tracker.takeAcknowledged()).toEqual([
      { mark: "a", dropped: 1 },
      { mark: "b", dropped: 2 },
    ]);
  });
});
