/** GetRecords' bytes give the changes that a parse of them gives, or nothing at all. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SourceRecord } from "../../../../core/types.ts";
import { rawChanges } from "../../../../plugins/source/dynamodb-streams/raw-changes.ts";
import { type StreamRecord, toRecord } from "../../../../plugins/source/dynamodb-streams/stream-record.ts";
import { anyItem } from "../../convert/any-item.ts";

interface Answer {
  Records: StreamRecord[];
  NextShardIterator?: string | null;
}

const head = ({ event, sequenceNumber, time }: SourceRecord): object => ({ event, sequenceNumber, time });

/** What is found in the bytes is what a parse of them gives. */
function expectSame(text: string): void {
  const body = Buffer.from(text);
  const { Records, NextShardIterator } = JSON.parse(text) as Answer;
  const records = Records.map(toRecord);
  const found = rawChanges(body);
  expect(found).toBeDefined();
  expect(found!.iterator).toBe(NextShardIterator ?? undefined);
  expect(found!.changes.map((change) => change.record())).toEqual(records);
  expect(found!.changes.map(({ event, sequenceNumber, time }) => ({ event, sequenceNumber, time }))).toEqual(
    records.map(head) as never,
  );
  found!.changes.forEach(({ keysAt, imageAt }, n) => {
    const { keys, item } = records[n]!;
    expect(text.startsWith(JSON.stringify(keys), charAt(body, keysAt))).toBe(true);
    if (item === undefined) expect(imageAt).toBe(-1);
    else expect(text.startsWith(JSON.stringify(item), charAt(body, imageAt))).toBe(true);
  });
}

test.each(["OldImage", "NewImage", "ApproximateCreationDateTime"])(
  "%s that is null isn't there",
  (member) => {
    const eventName = member === "NewImage" ? "REMOVE" : "INSERT";
    const image = { pk: { S: "a" } };
    const dynamodb = { Keys: image, SequenceNumber: "1", ...(eventName === "INSERT" && { NewImage: image }) };
    const record: StreamRecord = { eventName, dynamodb };
    const withNull = { ...record, dynamodb: { ...dynamodb, [member]: null } };
    expect(toRecord(withNull)).toEqual(toRecord(record));
    const found = rawChanges(Buffer.from(JSON.stringify({ Records: [withNull] })));
    for (const change of found?.changes ?? []) expect(change.record()).toEqual(toRecord(record));
  },
);

const charAt = (body: Buffer, at: number): number => body.toString("utf8", 0, at).length;

const number = fc.bigInt({ min: 1n, max: 10n ** 25n }).map(String);
const time = fc.option(fc.oneof(fc.integer({ min: 0, max: 2_000_000_000 }), fc.constant(1_700_000_000.123)), {
  nil: undefined,
});

/** An object's members in any order. */
const shuffled = (members: object): fc.Arbitrary<object> =>
  fc
    .shuffledSubarray(Object.entries(members), { minLength: Object.keys(members).length })
    .map((entries) => Object.fromEntries(entries));

const anyRecord = fc
  .record({ item: anyItem, old: fc.option(anyItem), number, time, event: fc.nat(2), more: fc.boolean() })
  .chain(({ item, old, number: SequenceNumber, time: ApproximateCreationDateTime, event, more }) => {
    const eventName = (["INSERT", "MODIFY", "REMOVE"] as const)[event]!;
    return shuffled({
      Keys: { pk: item["pk"] },
      SequenceNumber,
      ...(ApproximateCreationDateTime !== undefined && { ApproximateCreationDateTime }),
      ...(eventName !== "REMOVE" && { NewImage: item }),
      ...(old !== null && { OldImage: old }),
      ...(more && { SizeBytes: 26, StreamViewType: "NEW_AND_OLD_IMAGES" }),
    }).chain((dynamodb) =>
      shuffled({
        eventName,
        dynamodb,
        ...(more && { userIdentity: { type: "Service", dynamodb: { eventName: "x" } }, empty: {}, none: [] }),
      }),
    );
  });

test("any records, their members in any order", () => {
  const answer = fc
    .record({ Records: fc.array(anyRecord, { maxLength: 4 }), iterator: fc.option(fc.string()) })
    .chain(({ Records, iterator }) =>
      shuffled({ Records, ...(iterator !== null && { NextShardIterator: iterator }), X: 1 }),
    );
  fc.assert(
    fc.property(answer, (each) => expectSame(JSON.stringify(each))),
    { numRuns: 500 },
  );
});

const one = (dynamodb: object, eventName = "MODIFY"): string =>
  JSON.stringify({ Records: [{ eventName, dynamodb }], NextShardIterator: "next" });

describe("items that look like what is around them", () => {
  const names = ["Records", "Keys", "NewImage", "SequenceNumber", "dynamodb", "eventName"];
  const fields = { S: { S: ',"SequenceNumber":"9"' }, M: { M: { SequenceNumber: { S: "9" } } } };
  const item = Object.fromEntries([
    ...names.map((name) => [name, { M: fields }]),
    [',"SequenceNumber":"9"', { S: '\\",\\"SequenceNumber\\":\\"9' }],
    ["\\", { S: "\\" }],
  ]) as StreamRecord["dynamodb"]["NewImage"];
  const Keys = { pk: { S: "a" } };
  const all = { ApproximateCreationDateTime: 1, Keys, NewImage: item, OldImage: item, SequenceNumber: "7" };
  test.each([
    ["as the service writes them", all],
    ["the number first", { SequenceNumber: "7", ApproximateCreationDateTime: 1, Keys, NewImage: item }],
    ["the keys last", { NewImage: item, SequenceNumber: "7", Keys }],
    ["the time last", { Keys, NewImage: item, SequenceNumber: "7", ApproximateCreationDateTime: 1 }],
    ["the old image first", { OldImage: item, Keys, NewImage: item, SequenceNumber: "7" }],
  ])("%s", (_, dynamodb) => expectSame(one(dynamodb)));
});

describe("what is left to a parse", () => {
  const Keys = { pk: { S: "a" } };
  const whole = one({
    ApproximateCreationDateTime: 1,
    Keys,
    NewImage: { ...Keys, t: { S: 'b"\\' } },
    SequenceNumber: "7",
  });

  test("an answer that ends too soon, anywhere", () => {
    expectSame(whole);
    for (let end = 0; end < whole.length; end++)
      expect(rawChanges(Buffer.from(whole.slice(0, end)))).toBeUndefined();
  });

  test.each([
    ["blanks", JSON.stringify(JSON.parse(whole), null, 1)],
    ["something behind it", `${whole} `],
    ["no records", '{"NextShardIterator":"next"}'],
    ["records that are no list", '{"Records":{},"NextShardIterator":"next"}'],
    ["no object", "[]"],
    ["a put without a new image", one({ Keys, SequenceNumber: "7" })],
    ["a delete with one", one({ Keys, NewImage: Keys, SequenceNumber: "7" }, "REMOVE")],
    ["an unknown event", one({ Keys, NewImage: Keys, SequenceNumber: "7" }, "OTHER")],
    ["no keys", one({ NewImage: Keys, SequenceNumber: "7" })],
    ["no number", one({ Keys, NewImage: Keys })],
    ["a number that is none", one({ Keys, NewImage: Keys, SequenceNumber: "7a" })],
    [
      "a time that no date holds",
      one({ Keys, SequenceNumber: "7", ApproximateCreationDateTime: 1e300 }, "REMOVE"),
    ],
    ["an iterator that is none", '{"Records":[],"NextShardIterator":5}'],
    [
      "a record without a number before one that has it: it would swallow the other",
      `{"Records":[${[
        { ApproximateCreationDateTime: 1, Keys, NewImage: Keys, SequenceNumber: null },
        { ApproximateCreationDateTime: 1, Keys, NewImage: Keys, SequenceNumber: "8" },
      ]
        .map((dynamodb) => JSON.stringify({ eventName: "INSERT", dynamodb }))
        .join()}]}`,
    ],
    ["an empty number", one({ Keys, NewImage: Keys, SequenceNumber: "" })],
    ["an image that is null", one({ Keys, NewImage: null, SequenceNumber: "7" })],
    [
      "a time that is none",
      one({ ApproximateCreationDateTime: "soon", Keys, SequenceNumber: "7" }, "REMOVE"),
    ],
  ])("%s", (_, text) => {
    expect(rawChanges(Buffer.from(text))).toBeUndefined();
  });
});

test("a record made of a replayed change is replayed", () => {
  const [change] = rawChanges(Buffer.from(one({ Keys: {}, NewImage: {}, SequenceNumber: "7" })))!.changes;
  expect(change!.record().replayed).toBeUndefined();
  change!.replayed = true;
  expect(change!.record().replayed).toBe(true);
});

test("an item that is broken inside is found when its record is made, and named", () => {
  const text = one({ Keys: {}, NewImage: { a: { S: "x" } }, SequenceNumber: "7" });
  const [change] = rawChanges(Buffer.from(text.replace('"S":"x"', '"S":x')))!.changes;
  expect(() => change!.record()).toThrow(
    expect.objectContaining({ code: "SOURCE_FAILED", message: expect.stringContaining("record 7") }),
  );
});

test.each([
  ["keys", { Keys: [], NewImage: {}, SequenceNumber: "7" }],
  ["a new image", { Keys: {}, NewImage: [], SequenceNumber: "7" }],
  ["an old image", { Keys: {}, NewImage: {}, OldImage: [], SequenceNumber: "7" }],
])("a record with %s that are none is refused", (_, dynamodb) => {
  const record = { eventName: "INSERT", dynamodb } as unknown as StreamRecord;
  expect(() => toRecord(record)).toThrow(expect.objectContaining({ name: "MalformedAnswerError" }));
});
