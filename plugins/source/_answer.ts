import type { Item, Page, SourceRecord } from "../../core/types.ts";
import { malformed } from "../_dynamodb-errors.ts";

const LAST_KEY = '"LastEvaluatedKey":';
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** A Scan's answer, parsed. */
interface ScanAnswer {
  Items?: Item[];
  LastEvaluatedKey?: Item;
}

/**
 * A Scan's answer as a page. Only the position is parsed at once; the records when somebody asks.
 *
 * @param toRecord makes an item a record
 * @throws SyntaxError when the body is no JSON
 */
export function scanPage(body: Buffer, toRecord: (item: Item) => SourceRecord): Page {
  let records: SourceRecord[] | undefined;
  const tail = lastKey(body);
  const answer = tail === undefined ? parse(body) : undefined;
  const position = tail === undefined ? answer!.LastEvaluatedKey : tail.key;
  return {
    get records() {
      return (records ??= ((answer ?? parse(body)).Items ?? []).map(toRecord));
    },
    position,
    bytes: body.length,
    ...(tail !== undefined && { body }),
  };
}

/**
 * Makes something of an answer that is one: a JSON object that could be a Scan's, by cheap signs. A proxy
 * may say anything with status 200, and an object without items would pass for the end of the table.
 *
 * @throws Error MalformedAnswerError, also for a SyntaxError of `parse`
 */
export function checkAnswer<T>(body: Buffer, parse: (body: Buffer) => T): T {
  const object = body[0] === BRACE && body.at(-1) === CLOSING_BRACE;
  if (!object) throw malformed("the answer is no JSON object");
  if (!body.includes('"Items"') && !body.includes('"Count"')) throw malformed("the answer has no items");
  try {
    return parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed("the answer is no JSON", error);
    throw error;
  }
}

function parse(body: Buffer): ScanAnswer {
  return JSON.parse(body.toString("utf8")) as ScanAnswer;
}

/**
 * The position, read from the end of the body. What stands behind the last mention of its name parses only if
 * it belongs to the answer itself: inside an item the brackets wouldn't match.
 *
 * @returns undefined when the whole body has to be parsed
 */
function lastKey(body: Buffer): { key: Item | undefined } | undefined {
  if (body.at(-1) !== CLOSING_BRACE) return undefined;
  const at = body.lastIndexOf(LAST_KEY);
  if (at < 0) return { key: undefined };
  try {
    return { key: (JSON.parse(`{${body.toString("utf8", at)}`) as ScanAnswer).LastEvaluatedKey };
  } catch {
    return undefined;
  }
}
