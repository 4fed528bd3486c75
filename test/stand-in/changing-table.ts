/** A table whose items change while it is read: by key, and what Scan and BatchGetItem say of them. */
import type { Misbehaviour, StandInItem, StandInTable } from "./dynamodb.ts";

/** See the top of the file. */
export interface ChangingTable {
  keys: NonNullable<StandInTable["keys"]>;
  /** What is there now, by {@link ChangingTable.textOf}. */
  items: Map<string, StandInItem>;
  /** A key as text: a single S as it is, else the JSON of its values. */
  textOf(item: StandInItem): string;
  /** Where an item belongs: a number from 0, below 1, that its key is spread over. */
  placeOf(text: string): number;
  /** Puts or, without an item, takes away; gives what was there. */
  set(text: string, item: StandInItem | undefined): StandInItem | undefined;
  clear(): void;
  /**
   * What is there now of a segment, in the order of places. Pages are of so many keys, those among them that were taken
   * away: such a page may be empty, and others follow.
   */
  scan(body: Record<string, unknown>, page: number): object;
  /** Every other key is left unprocessed at first. */
  batchGet(name: string, request: { Keys: StandInItem[]; ProjectionExpression?: string }): Misbehaviour;
}

/** Makes an empty one. */
export function createChangingTable(keys: ChangingTable["keys"]): ChangingTable {
  const items = new Map<string, StandInItem>();
  /** All keys that ever were, and their hashes. */
  const known = new Map<string, { hash: number; key: StandInItem }>();
  const single = keys.length === 1 && keys[0]![1] === "S";

  function textOf(item: StandInItem): string {
    if (single) return (item[keys[0]![0]] as { S: string }).S;
    return JSON.stringify(keys.map(([name]) => item[name]));
  }

  const keyOf = (item: StandInItem): StandInItem =>
    Object.fromEntries(keys.map(([name]) => [name, item[name]!]));
  const hashOf = (text: string): number => Number(Bun.hash.crc32(text));

  /** The keys behind one, in order. */
  function behind(after: StandInItem | undefined, isIn: (hash: number) => boolean): string[] {
    const last = after && textOf(after);
    const place: [number, string] = last === undefined ? [-1, ""] : [hashOf(last), last];
    return [...known]
      .filter(([text, { hash }]) => isIn(hash) && (hash > place[0] || (hash === place[0] && text > place[1])))
      .sort(([a, { hash: x }], [b, { hash: y }]) => x - y || (a < b ? -1 : 1))
      .map(([text]) => text);
  }

  return {
    keys,
    items,
    textOf,
    placeOf: (text) => hashOf(text) / 2 ** 32,
    set(text, item) {
      const before = items.get(text);
      if (item === undefined) items.delete(text);
      else {
        items.set(text, item);
        known.set(text, { hash: hashOf(text), key: keyOf(item) });
      }
      return before;
    },
    clear() {
      items.clear();
      known.clear();
    },
    scan(body, page) {
      const [count, segment] = [Number(body["TotalSegments"] ?? 1), Number(body["Segment"] ?? 0)];
      const after = body["ExclusiveStartKey"] as StandInItem | undefined;
      const left = behind(after, (hash) => hash % count === segment);
      const most = Math.min(page, Number(body["Limit"] ?? page));
      const some = left.slice(0, most);
      const Items = some.map((text) => items.get(text)).filter((item) => item !== undefined);
      const more = left.length > most && { LastEvaluatedKey: known.get(some.at(-1)!)!.key };
      return { Items, Count: Items.length, ScannedCount: Items.length, ...more };
    },
    batchGet(name, { Keys, ProjectionExpression }) {
      const some = Keys.length > 1 ? Keys.filter((_, i) => i % 2 === 0) : Keys;
      const there = some.filter((key) => items.has(textOf(key)));
      const found = ProjectionExpression ? there : there.map((key) => items.get(textOf(key)));
      const left = Keys.filter((key) => !some.includes(key));
      const UnprocessedKeys = left.length > 0 ? { [name]: { Keys: left } } : {};
      return { result: { Responses: { [name]: found }, UnprocessedKeys } };
    },
  };
}
