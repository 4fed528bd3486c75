/** One shard's reading: iterators, their renewal, and gaps. */
import {
  type DynamoDBStreamsClient,
  type GetRecordsCommandInput,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import type { Context } from "../../../core/plugin/context.ts";
import { MigrationError, streamGap } from "../../../core/errors.ts";
import { freeBytes } from "../../../core/flow/free-bytes.ts";
import { compareSequence } from "../../../core/schema/sequence-number.ts";
import { KEPT } from "../../../core/types.ts";
import type { PollOptions, ShardReader } from "../../../core/plugin/roles.ts";
import type { ChangeHead, ShardPosition, ShardUnit, StreamPage } from "../../../core/types.ts";
import type { Calls } from "../../_dynamodb/calls.ts";
import { createPageLimit } from "../../_dynamodb/page-limit.ts";
import type { RawCall } from "../../_dynamodb/raw-call.ts";
import { newOf, recordsPage, type RecordsPage } from "./records-page.ts";

const MINUTE = 60_000;
/** An iterator lives 15 minutes. */
const ITERATOR_LIFE = 14 * MINUTE;
/** What an answer holds at most is 1 MB as the service counts: one so large may have been cut short. */
const CUT_BYTES = 700_000;
/** The service's limit of one call. */
const MOST_RECORDS = 1000;
/** How often in a row a new iterator is taken for the same position. */
const RENEWALS = 3;

/** What a shard's reader needs. */
export interface ShardReaderOptions {
  ctx: Context;
  client: DynamoDBStreamsClient;
  calls: Calls;
  /** Makes a GetRecords call. */
  records: RawCall<GetRecordsCommandInput>;
  /** The stream's ARN. */
  stream: string;
  unit: ShardUnit;
  from: ShardPosition;
}

/** Makes the reader of one shard. */
export function createShardReader({
  ctx,
  client,
  calls,
  records,
  stream,
  unit,
  from,
}: ShardReaderOptions): ShardReader {
  const { table, shard } = unit;
  let position = from;
  const since = from.at === "sequence" ? undefined : from.since;
  let iterator: string | undefined;
  let usedAt = 0;
  const pageLimit = createPageLimit(ctx.config["source.session.timeout"]);
  /** When the last request was sent that was answered, in ms since 1970. */
  let answeredAt = Date.now();

  function renew(signal: AbortSignal): Promise<string | undefined> {
    const command = new GetShardIteratorCommand({
      StreamArn: stream,
      ShardId: shard,
      ...iteratorOf(position),
    });
    return calls({ call: "GetShardIterator", table: table.name }, signal, async () => {
      const answer = await client.send(command, { abortSignal: signal });
      return answer.ShardIterator;
    });
  }

  function getRecords(
    request: GetRecordsCommandInput,
    signal: AbortSignal,
  ): Promise<RecordsPage & Pick<StreamPage, "bytes" | "sentAt" | "release"> & { most: number }> {
    return calls({ call: "GetRecords", table: table.name }, signal, async () => {
      const sent = { ...request, Limit: pageLimit.of(request.Limit ?? MOST_RECORDS)! };
      const sentAt = Date.now();
      const body = await records(sent, signal, (send) => pageLimit.watch(sent, send));
      const page = recordsPage(body);
      return { ...page, most: sent.Limit, bytes: body.length, sentAt, release: () => freeBytes(body) };
    });
  }

  /** Whether a new iterator is worth a try; the old one is forgotten then. */
  function mayRenew(error: unknown): boolean {
    const name = causeName(error);
    const renews =
      name === "ExpiredIteratorException" ||
      // DynamoDB Local says so now and then without a reason.
      name === "TrimmedDataAccessException" ||
      (name === "ValidationException" && /iterator/i.test(String(error)));
    if (renews && iterator !== undefined) restart(name);
    return renews;
  }

  /**
   * Forgets the iterator. A new one at the shard's end would skip what was written meanwhile: from `latest` all that is
   * there is read instead, which repeats some of it and misses nothing.
   */
  function restart(why: string): void {
    iterator = undefined;
    // All that was there then was read; a process that slept for a day has missed something.
    if (position.at !== "sequence" && Date.now() - answeredAt > KEPT) {
      const since = new Date(answeredAt).toISOString();
      throw streamGap(
        `what was written since ${since} may have expired unread: table ${table.name}, shard ${shard}`,
      );
    }
    if (position.at !== "latest") return;
    ctx.log.debug(`${why}: reading table ${table.name}, shard ${shard} from its oldest record`);
    position = { at: "horizon", since };
  }

  /** Records not read yet are gone. */
  function lost(error: unknown): unknown {
    const name = causeName(error);
    if (name !== "TrimmedDataAccessException" && name !== "ResourceNotFoundException") return error;
    const where = `table ${table.name}, shard ${shard}`;
    if (position.at !== "sequence") return streamGap(`the shard is gone before it was read: ${where}`, error);
    const { number, inclusive } = position;
    return streamGap(
      `records ${inclusive ? "from" : "after"} ${number} are gone from the stream: ${where}`,
      error,
    );
  }

  /** Records that a new iterator brings once more are left out, and those from before the time that counts. */
  function unseen(page: RecordsPage, read: ChangeHead[]): ReturnType<typeof newOf> & { skipped?: number } {
    const isOld = ({ time }: ChangeHead): boolean =>
      since !== undefined && time !== undefined && time < since;
    const isRepeated = ({ sequenceNumber }: ChangeHead): boolean => {
      if (position.at !== "sequence") return false;
      const compared = compareSequence(sequenceNumber, position.number);
      return position.inclusive ? compared < 0 : compared <= 0;
    };
    const [first] = read;
    if (first === undefined || (!isOld(first) && !isRepeated(first))) return newOf(page);
    const isNew = (change: ChangeHead): boolean => !isOld(change) && !isRepeated(change);
    const skipped = read.filter(isOld).length;
    return Object.assign(newOf(page, isNew), skipped > 0 && { skipped });
  }

  async function ask({ limit, beforeRequest, signal }: PollOptions): Promise<StreamPage> {
    if (iterator !== undefined && performance.now() - usedAt > ITERATOR_LIFE) restart("an iterator expired");
    if (iterator === undefined) {
      iterator = await renew(signal);
      usedAt = performance.now();
      // The service gives no iterator behind a closed shard's last record.
      if (iterator === undefined) {
        return { records: [], bytes: 0, tip: true, ended: true, sentAt: Date.now() };
      }
    }
    const request: GetRecordsCommandInput = {
      ShardIterator: iterator,
      Limit: Math.min(limit ?? ctx.config["qps.incr.batch_num"] ?? MOST_RECORDS, MOST_RECORDS),
    };
    await beforeRequest(request);
    const answer = await getRecords(request, signal);
    iterator = answer.iterator;
    usedAt = performance.now();
    answeredAt = answer.sentAt;
    const read: ChangeHead[] = answer.changes ?? answer.records;
    const last = read.at(-1)?.sequenceNumber;
    const page = unseen(answer, read);
    if (last !== undefined) position = { at: "sequence", number: last, inclusive: false };
    const ended = answer.iterator === undefined;
    // What is left out doesn't tell whether something comes behind it.
    const tip = ended || (!page.skipped && read.length < answer.most && answer.bytes < CUT_BYTES);
    const { bytes, sentAt, release } = answer;
    return Object.assign(page, { bytes, tip, ended, sentAt, release });
  }

  return {
    async poll(options) {
      for (let renewals = 0; ; renewals++) {
        try {
          return await ask(options);
        } catch (error) {
          if (renewals >= RENEWALS || options.signal.aborted || !mayRenew(error)) throw lost(error);
        }
      }
    },
  };
}

function iteratorOf(position: ShardPosition): {
  ShardIteratorType: "LATEST" | "TRIM_HORIZON" | "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER";
  SequenceNumber?: string;
} {
  if (position.at !== "sequence")
    return { ShardIteratorType: position.at === "latest" ? "LATEST" : "TRIM_HORIZON" };
  const type = position.inclusive ? "AT_SEQUENCE_NUMBER" : "AFTER_SEQUENCE_NUMBER";
  return { ShardIteratorType: type, SequenceNumber: position.number };
}

/** The service's own name of a failure. */
function causeName(error: unknown): string | undefined {
  const cause = error instanceof MigrationError ? error.cause : error;
  return cause instanceof Error ? cause.name : undefined;
}
