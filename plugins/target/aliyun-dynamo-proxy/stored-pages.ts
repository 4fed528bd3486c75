/** A Scan's answers as pages of items that nobody has parsed. */
import type { StoredPage } from "../../../core/plugin/stored.ts";
import type { Item } from "../../../core/types.ts";
import { parseAnswer } from "../../_dynamodb/answer.ts";
import { itemBounds } from "../../_dynamodb/item-bounds.ts";

const ITEMS = '"Items":[';

interface ScanAnswer {
  Count: number;
  Items?: Item[];
  LastEvaluatedKey?: Item | null;
}

/**
 * An answer's items, moved together over what stands between them. Of an answer that isn't as the service writes it
 * they are written anew.
 *
 * @throws Error MalformedAnswerError
 */
export function storedPage(body: Buffer): StoredPage {
  const list = body.indexOf(ITEMS) + ITEMS.length;
  const bounds = list < ITEMS.length ? undefined : itemBounds(body, list);
  if (bounds === undefined) return parsedPage(body);
  // What is left without the items is a small answer.
  const rest = Buffer.concat([body.subarray(0, list), body.subarray(bounds.at(-1) ?? list)]);
  const position = positionOf(parse(rest));
  const ends: number[] = [];
  let to = 0;
  for (let i = 0; i < bounds.length; i += 2) {
    const [start, end] = [bounds[i]!, bounds[i + 1]!];
    body.copyWithin(to, start, end);
    to += end - start;
    ends.push(to);
  }
  return { bytes: body.subarray(0, to), ends, position };
}

function parsedPage(body: Buffer): StoredPage {
  const answer = parse(body);
  const items = (answer.Items ?? []).map((item) => Buffer.from(JSON.stringify(item)));
  let end = 0;
  const ends = items.map((item) => (end += item.length));
  return { bytes: Buffer.concat(items), ends, position: positionOf(answer) };
}

const parse = (body: Buffer): ScanAnswer => parseAnswer<ScanAnswer>(body, "Count", Number.isInteger);

/** Some servers write the end as null or as a key without attributes. */
function positionOf({ LastEvaluatedKey: key }: ScanAnswer): Item | undefined {
  return key && Object.keys(key).length > 0 ? key : undefined;
}
