/** A batch's memory may be used again when no message with it can be on its way, and no earlier. */
import { describe, expect, test } from "bun:test";
import { BSON, MongoNetworkError } from "mongodb";
import type { EncodedBatch } from "../../../../core/plugin/transcoder.ts";
import { writeEncoded } from "../../../../plugins/target/mongodb/insert.ts";
import { testTable } from "../../../fakes/context.ts";
import { scriptedDestination } from "./destination.ts";

const TABLE = testTable("pk");
const BYTES = BSON.serialize({ _id: 1, pk: "a" });
const lost = (): never => {
  throw new MongoNetworkError("connection 1 closed");
};

/** Writes one document to a server that answers so, try by try; gives whether the memory was released, and when. */
async function released(answers: (() => object)[]): Promise<"no" | "before the answer" | "after it"> {
  let found: "no" | "before the answer" | "after it" = "no";
  let asked = 0;
  let isAnswered = false;
  const batch: EncodedBatch = {
    unit: { phase: "full", table: TABLE, segment: 0, segments: 1 },
    bytes: BYTES,
    ends: [BYTES.length],
    release: () => (found = isAnswered ? "after it" : "before the answer"),
    record: () => ({
      op: "put",
      event: "SCAN",
      keys: { pk: { S: "a" } },
      key: { pk: "a" },
      document: { pk: "a" },
    }),
  };
  const command = async (): Promise<object> => {
    const answer = answers[asked++]!();
    isAnswered = true;
    return answer;
  };
  const to = scriptedDestination(TABLE, command, true);
  await writeEncoded(batch, to);
  return found;
}

describe("a batch's memory is released", () => {
  test("when it is answered", async () => {
    expect(await released([() => ({ n: 1 })])).toBe("after it");
  });

  test("not when an answer was lost: the message may still be on its way", async () => {
    expect(await released([lost, () => ({ n: 1 })])).toBe("no");
  });

  test("when what was there already is replaced too", async () => {
    const writeErrors = [{ index: 0, code: 11000, errmsg: "duplicate", keyPattern: { pk: 1 } }];
    expect(await released([() => ({ n: 0, writeErrors }), () => ({ n: 1 })])).toBe("after it");
  });
});
