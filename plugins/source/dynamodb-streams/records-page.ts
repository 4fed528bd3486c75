/** From GetRecords' answer to changes, or to records where it is written otherwise than the service does. */
import type { ChangeHead, RawChange, SourceRecord, StreamPage } from "../../../core/types.ts";
import { checkText, parseAnswer } from "../../_dynamodb/answer.ts";
import { malformed } from "../../_dynamodb/errors.ts";
import { rawChanges } from "./raw-changes.ts";
import { type StreamRecord, toRecord } from "./stream-record.ts";

/** GetRecords' answer, as far as it is of use. */
interface RecordsAnswer {
  Records: StreamRecord[];
  NextShardIterator?: string;
}

/** What one GetRecords call brought: one of both. */
export interface RecordsPage {
  changes: RawChange[] | undefined;
  records: SourceRecord[];
  /** Where to go on; undefined: the shard has ended. */
  iterator: string | undefined;
}

/**
 * A GetRecords answer.
 *
 * @throws Error MalformedAnswerError when it is none
 */
export function recordsPage(body: Buffer): RecordsPage {
  checkText(body);
  const raw = rawChanges(body);
  if (raw !== undefined) return { ...raw, records: [] };
  const answer = parseAnswer<RecordsAnswer>(body, "Records", Array.isArray);
  const records = answer.Records.map(toRecord);
  const iterator: unknown = answer.NextShardIterator ?? undefined;
  // Taken for none, it would end the shard.
  if (iterator !== undefined && typeof iterator !== "string")
    throw malformed("the answer's iterator is none");
  return { changes: undefined, records, iterator };
}

/**
 * The part of a page that is new.
 *
 * @param isNew missing: all of it is
 */
export function newOf(
  { changes, records }: RecordsPage,
  isNew: (change: ChangeHead) => boolean = () => true,
): Pick<StreamPage, "changes" | "records"> {
  if (changes === undefined) return { records: records.filter(isNew) };
  const fresh = changes.filter(isNew);
  let made: SourceRecord[] | undefined;
  return {
    changes: fresh,
    get records() {
      return (made ??= fresh.map((change) => change.record()));
    },
    set records(replaced) {
      made = replaced;
    },
  };
}
