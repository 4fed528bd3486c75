/** A copy's progress under commands in any order: pages, batches, answers, saves of the position, and crashes between any two. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AckTracker, createAckTracker } from "../../../core/full/ack-tracker.ts";
import { runs } from "../../model/runs.ts";

/** What is so: documents are numbered in the order in which the source has them. */
interface Model {
  /** Where pages end, the first to be read at 0. */
  ends: number[];
  /** Pages read since the position. */
  read: number;
  /** Documents sent. */
  sent: number;
  /** Documents at the target, or left out. */
  written: Set<number>;
  /** Pages that are saved as done. */
  saved: number;
}

interface Real {
  tracker: AckTracker<number>;
  open: { from: number; to: number; done: (dropped?: number) => void }[];
  released: number[];
}

type Step = fc.Command<Model, Real>;
const endOf = ({ ends }: Model, pages: number): number => ends[pages - 1] ?? 0;

const page = fc.nat(5).map((size): Step => ({
  check: () => true,
  run(model, { tracker, released }) {
    const number = model.read++;
    // Read again it is the same page.
    if (model.ends.length === number) model.ends.push(endOf(model, number) + size);
    const documents = model.ends[number]! - endOf(model, number);
    tracker.pageRead(documents, number, () => released.push(number));
  },
  toString: () => `page(${size})`,
}));

const batch = fc.integer({ min: 1, max: 7 }).map((most): Step => ({
  check: (model) => model.sent < endOf(model, model.read),
  run(model, { tracker, open }) {
    const from = model.sent;
    model.sent = Math.min(from + most, endOf(model, model.read));
    open.push({ from, to: model.sent, done: tracker.batchSent(model.sent - from) });
  },
  toString: () => `batch(${most})`,
}));

const answer = fc.nat(9).map((which): Step => ({
  check: () => true,
  run(model, { open }) {
    const [answered] = open.splice(which % Math.max(open.length, 1), 1);
    if (answered === undefined) return;
    for (let each = answered.from; each < answered.to; each++) model.written.add(each);
    answered.done();
  },
  toString: () => `answer(${which})`,
}));

const save = fc.constant<Step>({
  check: () => true,
  run(model, { tracker, open, released }) {
    const before = model.saved;
    for (const { mark } of tracker.takeAcknowledged()) expect(mark).toBe(model.saved++);
    // Nothing that isn't written, and all pages that are before the first hole.
    for (let each = 0; each < endOf(model, model.saved); each++) expect(model.written.has(each)).toBe(true);
    const hole = Math.min(model.sent, ...open.map(({ from }) => from));
    if (model.saved < model.read) expect(endOf(model, model.saved + 1)).toBeGreaterThan(hole);
    expect(released.splice(0)).toEqual(Array.from({ length: model.saved - before }, (_, n) => before + n));
  },
  toString: () => "save",
});

/** What is on its way is written or not; the next process reads behind the saved position. */
const crash = fc.nat().map((luck): Step => ({
  check: () => true,
  run(model, real) {
    for (const [i, { from, to }] of real.open.entries())
      if ((luck >> (i % 30)) & 1) for (let each = from; each < to; each++) model.written.add(each);
    Object.assign(real, { tracker: createAckTracker<number>(), open: [], released: [] });
    model.read = model.saved;
    model.sent = endOf(model, model.saved);
  },
  toString: () => `crash(${luck})`,
}));

test("a saved position has no hole before it and no reached page behind it, whatever is cut off", () => {
  fc.assert(
    fc.property(fc.commands([page, batch, answer, save, crash], { size: "+1" }), (steps) => {
      const model: Model = { ends: [], read: 0, sent: 0, written: new Set(), saved: 0 };
      const real: Real = { tracker: createAckTracker(), open: [], released: [] };
      fc.modelRun(() => ({ model, real }), steps);
    }),
    runs(500),
  );
});
