/** From GetRecords' answer to records. */
import type { Item, SourceRecord } from "../../../core/types.ts";
import { parseAnswer } from "../../_dynamodb/answer.ts";
import { malformed } from "../../_dynamodb/errors.ts";

const SECOND = 1000;

/** GetRecords' answer, as far as it is of use. */
interface RecordsAnswer {
  Records: {
    eventName: "INSERT" | "MODIFY" | "REMOVE";
    dynamodb: {
      ApproximateCreationDateTime?: number;
      Keys: Item;
      NewImage?: Item;
      OldImage?: Item;
      SequenceNumber: string;
    };
  }[];
  NextShardIterator?: string;
}

/** What one GetRecords call brought. */
export interface RecordsPage {
  records: SourceRecord[];
  /** Where to go on; undefined: the shard has ended. */
  iterator: string | undefined;
}

/**
 * A GetRecords answer as records.
 *
 * @throws Error MalformedAnswerError when it is none
 */
export function recordsPage(body: Buffer): RecordsPage {
  const answer = parseAnswer<RecordsAnswer>(body, "Records", Array.isArray);
  return { records: answer.Records.map(toRecord), iterator: answer.NextShardIterator ?? undefined };
}

function toRecord({ eventName, dynamodb }: RecordsAnswer["Records"][number]): SourceRecord {
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
