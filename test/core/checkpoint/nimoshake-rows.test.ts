/** Shards' positions in NimoShake's layout. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../../core/errors.ts";
import { decodeRow, encodeRow, type ShardRow } from "../../../core/checkpoint/nimoshake-rows.ts";
import type { ShardNote } from "../../../core/checkpoint/shard-note.ts";
import type { ShardPosition } from "../../../core/types.ts";

const ORIGINAL: ShardRow = {
  ShardId: "shardId-0001",
  FatherId: "",
  SequenceNumber: "000000000000000000150",
  Status: "in processing",
  WorkerId: "unknown-worker",
  IteratorType: "AT_SEQUENCE_NUMBER",
  ShardIt: "see sequence number",
  UpdateDate: "2026-11-23T20:08:38Z",
  ApproximateTime: "2026-11-23 20:08:00 +0000 UTC",
};

describe("a row as NimoShake writes it", () => {
  test("is read and written again field for field, in its order", () => {
    expect(JSON.stringify(encodeRow(decodeRow({ _id: 1, ...ORIGINAL })))).toBe(JSON.stringify(ORIGINAL));
  });

  const number = "150";
  test.each<[string, Partial<ShardRow>, Pick<ShardNote, "status" | "position">]>([
    [
      "behind its number",
      {},
      { status: "running", position: { at: "sequence", number: ORIGINAL.SequenceNumber, inclusive: false } },
    ],
    [
      "prepared, with a first record",
      { Status: "prepare stage", IteratorType: "LATEST", SequenceNumber: number, UpdateDate: "" },
      { status: "waiting", position: { at: "sequence", number, inclusive: true } },
    ],
    [
      "prepared, with an iterator that has long expired",
      { Status: "in processing", IteratorType: "LATEST", SequenceNumber: number, ShardIt: "arn:aws:…" },
      { status: "running", position: { at: "sequence", number, inclusive: true } },
    ],
    [
      "discovered later",
      { Status: "prepare stage", IteratorType: "TRIM_HORIZON", SequenceNumber: number, ShardIt: "" },
      { status: "waiting", position: { at: "horizon" } },
    ],
    [
      "not begun",
      { Status: "not process", IteratorType: "TRIM_HORIZON" },
      { status: "waiting", position: { at: "horizon" } },
    ],
    [
      "closed at the start",
      { Status: "no need to process", SequenceNumber: "", ShardIt: "" },
      { status: "skipped", position: { at: "horizon" } },
    ],
    [
      "done",
      { Status: "done", SequenceNumber: number },
      { status: "done", position: { at: "sequence", number, inclusive: false } },
    ],
  ])("%s", (_, changes, state) => {
    expect(decodeRow({ ...ORIGINAL, ...changes })).toMatchObject(state);
  });

  test.each<[unknown, string]>([
    [{ ...ORIGINAL, Status: "asleep" }, "Status"],
    [{ ...ORIGINAL, SequenceNumber: "12x" }, "SequenceNumber"],
    [{ ...ORIGINAL, IteratorType: 7 }, "IteratorType"],
    [{ ...ORIGINAL, ShardId: "" }, "ShardId"],
    [null, "all of it"],
  ])("that can't be understood is refused, naming the field", (row, field) => {
    let error: unknown;
    try {
      decodeRow(row);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(MigrationError);
    expect((error as MigrationError).code).toBe("CHECKPOINT_MISMATCH");
    expect((error as MigrationError).message).toContain(field);
  });
});

test("what is written is read as it was, to the second", () => {
  const seconds = fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }).map((second) => second * 1000);
  const number = fc.bigInt({ min: 1n, max: 10n ** 40n }).map(String);
  const horizon: ShardPosition = { at: "horizon" };
  const at = (inclusive: boolean) =>
    number.map((n): ShardPosition => ({ at: "sequence", number: n, inclusive }));
  const kind = fc.oneof(
    fc.record({
      status: fc.constant("waiting" as const),
      position: fc.oneof(fc.constant(horizon), at(true)),
    }),
    fc.record({ status: fc.constant("running" as const), position: at(false) }),
    fc.record({ status: fc.constant("done" as const), position: fc.oneof(fc.constant(horizon), at(false)) }),
    fc.record({ status: fc.constant("skipped" as const), position: fc.constant(horizon) }),
  );
  const rest = fc.record(
    { parent: fc.string({ minLength: 1 }), time: seconds, updatedAt: seconds },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), kind, rest, (id, state, more) => {
      const whole: ShardNote = { id, ...state, ...more };
      expect(decodeRow(JSON.parse(JSON.stringify(encodeRow(whole))))).toEqual(whole);
    }),
  );
});
