/** Bytes that are taken stay what they are until they are released, whatever is written behind them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OutputBuffer, type TakenBytes } from "../../../plugins/_bson/output-buffer.ts";

const FIRST = 64;

/** Writes so many bytes of a value, as a document. */
function write(out: OutputBuffer, value: number, size: number): void {
  out.begin();
  out.reserve(size);
  out.bytes.fill(value, out.at, out.at + size);
  out.at += size;
}

type Step =
  | { write: [value: number, size: number] }
  | { take: number }
  | { release: number }
  | { cut: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ write: fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 3000 })) }) },
  { weight: 2, arbitrary: fc.record({ take: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ release: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);

describe("whatever is written, taken, cut off and released, by two at once", () => {
  test("what is taken and not released stays", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), step), { maxLength: 80 }), (steps) => {
        const units = [0, 1].map(() => ({ out: new OutputBuffer(FIRST), waiting: Buffer.alloc(0) }));
        const taken: { got: TakenBytes; wanted: Buffer }[] = [];
        for (const [second, does] of steps) {
          const unit = units[second ? 1 : 0]!;
          const { out } = unit;
          if ("write" in does) {
            write(out, ...does.write);
            unit.waiting = Buffer.concat([unit.waiting, Buffer.alloc(does.write[1], does.write[0])]);
          } else if ("take" in does) {
            const length = Math.floor(out.length * does.take);
            taken.push({ got: out.take(length), wanted: unit.waiting.subarray(0, length) });
            unit.waiting = unit.waiting.subarray(length);
          } else if ("cut" in does) {
            const length = Math.floor(out.length * does.cut);
            out.truncate(length);
            unit.waiting = unit.waiting.subarray(0, length);
          } else taken.splice(does.release, 1)[0]?.got.release();
          expect(out.length).toBe(unit.waiting.length);
          for (const { got, wanted } of taken) expect(wanted.equals(got.bytes)).toBe(true);
        }
        for (const { out, waiting } of units) expect(waiting.equals(out.take(out.length).bytes)).toBe(true);
      }),
    );
  });
});

test("memory that everybody has released is used again, and not before", () => {
  const size = 300_000;
  const out = new OutputBuffer(size * 4);
  write(out, 1, size);
  const first = out.take(size);
  write(out, 2, size);
  const second = out.take(size);
  const memory = first.bytes.buffer;
  expect(second.bytes.buffer).not.toBe(memory);
  first.release();
  const third = new OutputBuffer(size * 4);
  write(third, 3, size);
  expect(third.take(size).bytes.buffer).toBe(memory);
});

test("released twice counts once", () => {
  const size = 300_000;
  const out = new OutputBuffer(size * 4);
  write(out, 1, size);
  write(out, 2, size);
  const first = out.take(size);
  const second = out.take(size);
  first.release();
  first.release();
  const other = new OutputBuffer(size * 4);
  write(other, 9, size);
  expect(second.bytes.every((byte) => byte === 2)).toBe(true);
  second.release();
});

test("who has nothing left to write holds no memory", () => {
  const out = new OutputBuffer(FIRST);
  write(out, 1, 10);
  const { bytes } = out.take(10);
  expect(out.bytes.length).toBe(0);
  write(out, 2, 10);
  expect([...bytes]).toEqual(Array.from({ length: 10 }, () => 1));
  expect(out.length).toBe(10);
});
