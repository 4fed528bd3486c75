/** GetRecords' answer as changes that stand in its bytes: what needs no look at their items. */
import type { RawChange, SourceRecord } from "../../../core/types.ts";
import { AnswerWalker } from "../../_dynamodb/answer-walker.ts";
import { brokenInside } from "../../_dynamodb/errors.ts";
import { OPEN, QUOTE } from "../../_bson/json-bytes.ts";
import { Unexpected } from "../../_bson/json-cursor.ts";
import { isSequenceNumber, isTime, type StreamRecord, toRecord } from "./stream-record.ts";

const RECORDS = Buffer.from("Records");
const ITERATOR = Buffer.from("NextShardIterator");
const NULL = Buffer.from("null");
const EVENT = Buffer.from("eventName");
const CHANGE = Buffer.from("dynamodb");
const TIME = Buffer.from("ApproximateCreationDateTime");
const KEYS = Buffer.from("Keys");
const NEW_IMAGE = Buffer.from("NewImage");
const NUMBER = Buffer.from("SequenceNumber");
/** Behind the images, as the service writes it; no attribute has a text for its value, but an object. */
const NUMBER_MEMBER = Buffer.from(',"SequenceNumber":"');
/** Of each record, and for the same reason in none of its images. */
const EVENT_MEMBER = Buffer.from('"eventName":"');
const EVENTS = (["INSERT", "MODIFY", "REMOVE"] as const).map(
  (event) => [event, Buffer.from(`"${event}"`)] as const,
);
const SECOND = 1000;

/** One for all shards: it is at work in one turn only. */
const json = new AnswerWalker();

/** A class, because every change passes, and closures cost too much. */
class ChangeInBody implements RawChange {
  body: Buffer;
  start: number;
  end = 0;
  event: RawChange["event"] = "INSERT";
  sequenceNumber = "";
  time: number | undefined;
  replayed: boolean | undefined;
  keysAt = -1;
  imageAt = -1;

  constructor(body: Buffer, start: number) {
    this.body = body;
    this.start = start;
  }

  record(): SourceRecord {
    const text = this.body.toString("utf8", this.start, this.end);
    let record: SourceRecord;
    try {
      record = toRecord(JSON.parse(text) as StreamRecord);
    } catch (cause) {
      throw brokenInside(`GetRecords' answer is broken inside the record ${this.sequenceNumber}`, cause);
    }
    if (this.replayed) record.replayed = true;
    return record;
  }
}

/** What {@link rawChanges} finds. */
export interface RawChanges {
  changes: RawChange[];
  /** Where to go on; undefined: the shard has ended. */
  iterator: string | undefined;
}

/**
 * Finds the changes of an answer, without a look at what their items hold.
 *
 * @returns undefined for what isn't written as the service does, or isn't whole: it has to be parsed
 */
export function rawChanges(body: Buffer): RawChanges | undefined {
  try {
    return find(body);
  } catch (error) {
    if (error instanceof Unexpected || error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    // It would keep the body.
    json.moveTo(EVENT, 0);
  }
}

function find(body: Buffer): RawChanges {
  let changes: RawChange[] | undefined;
  let iterator: string | undefined;
  json.moveTo(body, 0);
  for (let more = json.enter(); more; more = json.next()) {
    if (json.isNamed(RECORDS)) {
      changes = [];
      for (let one = json.enterList(); one; one = json.nextInList()) changes.push(change(body));
    } else if (json.isNamed(ITERATOR)) iterator = iteratorHere();
    else json.skip();
  }
  if (changes === undefined || json.pos !== body.length) throw new Unexpected();
  return { changes, iterator };
}

/** Only null ends a shard. */
function iteratorHere(): string | undefined {
  if (json.bytes[json.pos] === QUOTE) return json.text();
  const at = json.skip();
  if (!json.isAt(at, NULL)) throw new Unexpected();
  return undefined;
}

function change(body: Buffer): RawChange {
  const found = new ChangeInBody(body, json.pos);
  let event: RawChange["event"] | undefined;
  for (let more = json.enter(); more; more = json.next()) {
    if (json.isNamed(EVENT)) event = eventHere();
    else if (json.isNamed(CHANGE)) look(found);
    else json.skip();
  }
  found.end = json.pos;
  if (event === undefined || found.keysAt < 0 || !isSequenceNumber(found.sequenceNumber))
    throw new Unexpected();
  if ((event !== "REMOVE") !== found.imageAt >= 0) throw new Unexpected();
  found.event = event;
  return found;
}

function eventHere(): RawChange["event"] | undefined {
  const at = json.skip();
  return EVENTS.find(([, written]) => json.isAt(at, written))?.[0];
}

function look(found: ChangeInBody): void {
  for (let more = json.enter(); more; more = json.next()) {
    if (json.isNamed(KEYS)) found.keysAt = json.skipObject();
    else if (json.isNamed(NEW_IMAGE)) found.imageAt = skipImages(found);
    else if (json.isNamed(NUMBER)) found.sequenceNumber = json.text();
    else if (json.isNamed(TIME)) found.time = timeHere();
    else json.skip();
  }
}

function timeHere(): number {
  const seconds = json.number();
  if (!isTime(seconds)) throw new Unexpected();
  return Math.round(seconds * SECOND);
}

/** Goes behind the new image, and the old one where both stand before the number; gives where it began. */
function skipImages(found: ChangeInBody): number {
  const at = json.pos;
  // What is still wanted may stand between.
  if (found.keysAt < 0 || found.time === undefined || found.sequenceNumber !== "") return json.skipObject();
  if (json.bytes[at] !== OPEN) throw new Unexpected();
  const end = json.bytes.indexOf(NUMBER_MEMBER, at);
  if (end < 0) throw new Unexpected();
  // The number is another record's when this one has none: that record would be gone.
  const event = json.bytes.indexOf(EVENT_MEMBER, at);
  if (event >= 0 && event < end) throw new Unexpected();
  json.pos = end;
  return at;
}
