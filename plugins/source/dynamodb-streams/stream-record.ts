/** From a record of the stream, parsed, to the core's. */
import type { Item, SourceRecord } from "../../../core/types.ts";
import { isObject } from "../../_dynamodb/answer.ts";
import { malformed } from "../../_dynamodb/errors.ts";

const SECOND = 1000;
/** The last moment that a Date holds. */
const LATEST = 8.64e15;
const EVENTS: readonly unknown[] = ["INSERT", "MODIFY", "REMOVE"];

/** A record in GetRecords' answer, as far as it is of use. */
export interface StreamRecord {
  eventName: "INSERT" | "MODIFY" | "REMOVE";
  dynamodb: {
    ApproximateCreationDateTime?: number | null;
    Keys: Item;
    NewImage?: Item | null;
    OldImage?: Item | null;
    SequenceNumber: string;
  };
}

/**
 * Makes a record of it.
 *
 * @throws Error MalformedAnswerError
 */
export function toRecord(record: StreamRecord): SourceRecord {
  if (!isObject(record) || !isObject(record.dynamodb)) throw malformed("a record is none");
  const { eventName, dynamodb } = record;
  const { Keys, SequenceNumber } = dynamodb;
  // Some servers write null for what isn't there.
  const NewImage = dynamodb.NewImage ?? undefined;
  const OldImage = dynamodb.OldImage ?? undefined;
  const seconds = dynamodb.ApproximateCreationDateTime ?? undefined;
  if (!isMap(Keys) || !isSequenceNumber(SequenceNumber)) {
    throw malformed("a record has no key or no sequence number");
  }
  if (!EVENTS.includes(eventName)) throw malformed("a record has no event, or an unknown one");
  const put = eventName !== "REMOVE";
  if (put !== (NewImage !== undefined))
    throw malformed(`a record ${eventName} has ${put ? "no" : "a"} new image`);
  if (seconds !== undefined && !isTime(seconds)) throw malformed("a record has no time that is one");
  return {
    op: put ? "put" : "delete",
    event: eventName,
    keys: Keys,
    ...(NewImage !== undefined && { item: image(NewImage) }),
    ...(OldImage !== undefined && { oldItem: image(OldImage) }),
    sequenceNumber: SequenceNumber,
    ...(seconds !== undefined && { time: Math.round(seconds * SECOND) }),
    key: undefined,
    document: undefined,
  };
}

/** Whether it is one that can be compared. */
export function isSequenceNumber(value: unknown): value is string {
  return typeof value === "string" && /^\d+$/.test(value);
}

/** Whether a date can be made of these seconds. */
export function isTime(seconds: unknown): seconds is number {
  return typeof seconds === "number" && Math.abs(seconds * SECOND) <= LATEST;
}

/** A list has no attributes: it would leave an empty document. */
function isMap(value: unknown): boolean {
  return isObject(value) && !Array.isArray(value);
}

function image(value: Item): Item {
  if (!isMap(value)) throw malformed("a record has an image that is none");
  return value;
}
