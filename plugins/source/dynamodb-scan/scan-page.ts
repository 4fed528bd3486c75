/** From a Scan's answer to a page. */
import { freeBytes } from "../../../core/flow/free-bytes.ts";
import type { Item, Page, SourceRecord } from "../../../core/types.ts";
import { checkText, isObject, parseAnswer } from "../../_dynamodb/answer.ts";
import { itemBounds } from "../../_dynamodb/item-bounds.ts";
import { brokenInside, malformed } from "../../_dynamodb/errors.ts";

const ITEMS = '"Items"';
const ITEM_LIST = `${ITEMS}:[`;
const LAST_KEY = '"LastEvaluatedKey"';

/** A Scan's answer, parsed. */
interface ScanAnswer {
  Items?: Item[];
  Count?: number;
  LastEvaluatedKey?: Item;
}

/**
 * A Scan's answer as a page. Of one that isn't the unit's last only the position is parsed at once, and the records
 * when somebody asks. What has no position where the service writes it is parsed whole: neither a page cut short nor
 * one of another layout may pass for the last.
 *
 * @param keyNames of the table's key attributes
 * @param toRecord makes an item a record
 * @throws Error MalformedAnswerError when it is no Scan's answer, or not all of one
 */
export function scanPage(body: Buffer, keyNames: string[], toRecord: (item: Item) => SourceRecord): Page {
  checkText(body);
  const position = lastKey(body, keyNames) ?? positionOf(withoutItems(body) ?? parse(body));
  let records: SourceRecord[] | undefined;
  return {
    get records() {
      return (records ??= itemsOf(body).map(toRecord));
    },
    position,
    bytes: body.length,
    body,
    release: () => freeBytes(body),
  };
}

/**
 * What an answer says beside its items, which take many times as much as objects: they are only looked over to see where they end.
 *
 * @returns undefined when the whole body has to be parsed
 */
function withoutItems(body: Buffer): ScanAnswer | undefined {
  const from = body.indexOf(ITEM_LIST) + ITEM_LIST.length;
  const bounds = from < ITEM_LIST.length ? undefined : itemBounds(body, from);
  if (bounds === undefined) return undefined;
  try {
    return JSON.parse(
      body.toString("utf8", 0, from) + body.toString("utf8", bounds.at(-1) ?? from),
    ) as ScanAnswer;
  } catch {
    return undefined;
  }
}

/** The items, when the call is long made: nobody makes it again by itself. */
function itemsOf(body: Buffer): Item[] {
  let broken: unknown;
  try {
    const { Items = [] } = parse(body);
    if (Items.every(isObject)) return Items;
  } catch (error) {
    broken = error;
  }
  throw brokenInside("a Scan's answer is broken inside its items", broken);
}

function parse(body: Buffer): ScanAnswer {
  const answer = parseAnswer<ScanAnswer>(body);
  if (!Array.isArray(answer.Items) && answer.Count !== 0) throw malformed("the answer has no Items");
  return answer;
}

/** Some servers write the end as null or as a key without attributes. */
function positionOf({ LastEvaluatedKey: key }: ScanAnswer): Item | undefined {
  if (key === undefined || key === null) return undefined;
  if (!isObject(key) || Array.isArray(key)) throw malformed("the answer's LastEvaluatedKey is no key");
  return Object.keys(key).length > 0 ? key : undefined;
}

/**
 * The position, read from the end of the body. What stands behind the last mention of its name parses only if it
 * belongs to the answer itself, for inside an item the brackets wouldn't match; of an answer that was cut they may,
 * but no attribute's value looks like a key.
 *
 * @returns undefined when the whole body has to be parsed
 */
function lastKey(body: Buffer, keyNames: string[]): Item | undefined {
  const at = body.lastIndexOf(LAST_KEY);
  if (at < 0 || !body.includes(ITEMS)) return undefined;
  try {
    const { LastEvaluatedKey: key } = JSON.parse(`{${body.toString("utf8", at)}`) as ScanAnswer;
    return keyNames.every((name) => isKeyValue(key?.[name])) ? key : undefined;
  } catch {
    return undefined;
  }
}

function isKeyValue(value: unknown): boolean {
  const [[type, held] = [], ...more] = Object.entries(value ?? {});
  return ["S", "N", "B"].includes(type as string) && typeof held === "string" && more.length === 0;
}
