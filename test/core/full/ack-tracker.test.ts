import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAckTracker } from "../../../core/full/ack-tracker.ts";

describe("what is acknowledged without a hole", () => {
  test("a page whose documents are in a batch that is still on its way isn't reached, nor are those behind", () => {
    const prefix = createAckTracker<string>();
    for (const name of ["a", "b", "c"]) prefix.pageRead(2, name);
    const [first, second] = [prefix.batchSent(3), prefix.batchSent(3)];
    second();
    expect(prefix.takeAcknowledged()).toEqual([]);
    first();
    expect(prefix.takeAcknowledged()).toEqual(["a", "b", "c"]);
    expect(prefix.takeAcknowledged()).toEqual([]);
  });

  test("a page without documents is reached with those before it", () => {
    const prefix = createAckTracker<string>();
    prefix.pageRead(0, "empty");
    expect(prefix.takeAcknowledged()).toEqual(["empty"]);
    prefix.pageRead(1, "full");
    prefix.pageRead(0, "end");
    expect(prefix.takeAcknowledged()).toEqual([]);
    prefix.batchSent(1)();
    expect(prefix.takeAcknowledged()).toEqual(["full", "end"]);
  });

  test("whatever the pages, the batches and the order of the answers: exactly the pages before the first hole", () => {
    const sizes = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat(100)),
        (pages, size, picks) => {
          const prefix = createAckTracker<number>();
          for (const [i, documents] of pages.entries()) prefix.pageRead(documents, i);
          const total = pages.reduce((sum, each) => sum + each, 0);
          const open: { from: number; done: () => void }[] = [];
          for (let from = 0; from < total; from += size) {
            open.push({ from, done: prefix.batchSent(Math.min(size, total - from)) });
          }
          const reached = prefix.takeAcknowledged();
          for (;;) {
            const hole = Math.min(total, ...open.map(({ from }) => from));
            let end = 0;
            const expected = [...pages.keys()].filter((i) => (end += pages[i]!) <= hole);
            expect(reached).toEqual(expected.slice(0, expected.length));
            if (open.length === 0) break;
            open.splice(Number(picks.next().value) % open.length, 1)[0]!.done();
            reached.push(...prefix.takeAcknowledged());
          }
        },
      ),
    );
  });
});
