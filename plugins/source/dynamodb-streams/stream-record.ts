/** From a record of the stream, parsed, to the core's. */
import type { Item, SourceRecord } from "../../../core/types.ts";
import { malformed } from "../../_dynamodb/errors.ts";

const SECOND = 1000;

/** A record in GetRecords' answer, as far as it is of use. */
export interface StreamRecord {
  eventName: "INSERT" | "MODIFY" | "REMOVE";
  dynamodb: {
    ApproximateCreationDateTime?: number;
    Keys: Item;
    NewImage?: Item;
    OldImage?: Item;
    SequenceNumber: string;
  };
}

/**
 * Makes a record of it.
 *
 * @throws Error MalformedAnswerError
 */
export function toRecord({ eventName, dynamodb }: StreamRecord): SourceRecord {
  const { Keys, NewImage, OldImage, SequenceNumber, ApproximateCreationDateTime: seconds } = dynamodb ?? {};
  if (Keys === undefined || !SequenceNumber) throw malformed("a record has no key or no sequence number");
  const put = eventName === "INSERT" || eventName === "MODIFY";
  if (put !== (NewImage !== undefined))
    throw malformed(`a record ${eventName} has ${put ? "no" : "a"} new image`);
  return {
    op: put ? "put" : "delete",
    event: eventName,
    keys: Keys,
    ...(NewImage !== undefined && { item: NewImage }),
    ...(OldImage !== undefined && { oldItem: OldImage }),
    sequenceNumber: SequenceNumber,
    ...(seconds !== undefined && { time: Math.round(seconds * SECOND) }),
    key: undefined,
    document: undefined,
  };
}
