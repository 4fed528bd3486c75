/** Items compared in one form, pages cut out of answers, keys asked for until all are told, and secondary indexes. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Stored } from "../../../../core/plugin/stored.ts";
import { planIndexes } from "../../../../core/schema/indexes.ts";
import type { AttributeValue, Item, SecondaryIndex } from "../../../../core/types.ts";
import same from "../../../../plugins/convert/same.ts";
import { canonicalText, decodeItem } from "../../../../plugins/target/aliyun-dynamo-proxy/canonical.ts";
import { storedPage } from "../../../../plugins/target/aliyun-dynamo-proxy/stored-pages.ts";
import { keyAttribute, setUpConverter, testTable } from "../../../fakes/context.ts";
import { failure, startProtocol, success } from "../../../stand-in/protocol.ts";
import { anyItem } from "../../convert/any-item.ts";
import { itemOf } from "../../convert/behaviour.ts";
import { numberedItems, openTarget, puts, tab } from "./proxy.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** The same item in another order, sets and numbers spelled otherwise. */
function respelled(item: Item): Item {
  return itemOf(
    Object.entries(item)
      .map(([name, value]) => [name, other(value)] as [string, AttributeValue])
      .toReversed(),
  );
}

function other(value: AttributeValue): AttributeValue {
  const [[type, held]] = Object.entries(value) as [[keyof AttributeValue, never]];
  if (type === "M") return { M: respelled(held) };
  if (type === "L") return { L: (held as AttributeValue[]).map(other) };
  if (type === "N") return { N: spelled(held) };
  if (type === "NS") return { NS: (held as string[]).map(spelled).toReversed() };
  if (type === "SS" || type === "BS") return { [type]: (held as string[]).toReversed() };
  return value;
}

const spelled = (digits: string): string => `${digits}${digits.includes(".") ? "00" : ".0"}`;

describe("one form", () => {
  test("whatever the order and the spelling", () => {
    fc.assert(
      fc.property(anyItem, (item) => {
        expect(canonicalText(respelled(item))).toBe(canonicalText(item));
        expect(decodeItem(respelled(item))).toEqual(decodeItem(item));
      }),
      { numRuns: 300 },
    );
  });

  test.each<[AttributeValue, AttributeValue]>([
    [{ S: "1" }, { N: "1" }],
    [{ S: "a" }, { B: "a" }],
    [{ L: [{ S: "a" }, { S: "b" }] }, { L: [{ S: "b" }, { S: "a" }] }],
    [{ SS: ["a"] }, { BS: ["a"] }],
    [{ SS: ["a"] }, { L: [{ S: "a" }] }],
    [{ N: "1" }, { N: "-1" }],
    [{ N: "12345678901234567890123456789012345678" }, { N: "12345678901234567890123456789012345679" }],
    [{ BOOL: true }, { BOOL: false }],
    [{ NULL: true }, { BOOL: true }],
    [{ M: {} }, { M: { a: { NULL: true } } }],
  ])("%j isn't %j", (one, other) => {
    expect(canonicalText({ v: one })).not.toBe(canonicalText({ v: other }));
    expect(decodeItem({ v: one })).not.toEqual(decodeItem({ v: other }));
  });
});

describe("pages", () => {
  const items = [...numberedItems(3), { pk: { S: '"Items":[{}],"LastEvaluatedKey"' } }] as Item[];
  const documents = ({ bytes, ends }: { bytes: Uint8Array; ends: number[] }): Item[] =>
    ends.map((end, i) => JSON.parse(Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)).toString()) as Item);

  test.each<[string, (answer: Record<string, unknown>) => string]>([
    ["compact", (answer) => JSON.stringify(answer)],
    ["with blanks", (answer) => JSON.stringify(answer, undefined, 2)],
    ["the key first", ({ Items, ...rest }) => JSON.stringify({ ...rest, Items })],
  ])("%s", (_, encode) => {
    const key = items.at(-1)!;
    const page = storedPage(Buffer.from(encode({ Items: items, Count: 4, LastEvaluatedKey: key })));
    expect(documents(page)).toEqual(items);
    expect(page.position).toEqual(key);
    for (const end of [{}, { LastEvaluatedKey: null }, { LastEvaluatedKey: {} }]) {
      const last = storedPage(Buffer.from(encode({ Items: items, Count: 4, ...end })));
      expect([documents(last), last.position]).toEqual([items, undefined]);
    }
    const empty = storedPage(Buffer.from(encode({ Items: [], Count: 0, LastEvaluatedKey: key })));
    expect([empty.ends, empty.position]).toEqual([[], key]);
  });

  test.each([
    "",
    "null",
    "<html>",
    "{}",
    '{"Items":[{"pk":{"S":"a"}}]}',
    '{"Items":[{"pk"',
    '{"Items":[{"pk":{"S":"a"}}]',
  ])("%s is no answer", (text) => {
    expect(() => storedPage(Buffer.from(text))).toThrow();
  });
});

describe("find", () => {
  test("asks again for what was left, in calls of 100 keys", async () => {
    const asked: number[] = [];
    await using server = await startProtocol({
      right({ body }) {
        const { Keys } = (body["RequestItems"] as Record<string, { Keys: Item[]; ConsistentRead: boolean }>)[
          "tab"
        ]!;
        asked.push(Keys.length);
        const half = Math.ceil(Keys.length / 2);
        const left = Keys.slice(half);
        return success({
          Responses: {
            tab: Keys.slice(0, half)
              .map((key) => ({ n: { N: "1.0" }, ...key }))
              .toReversed(),
          },
          UnprocessedKeys: left.length > 0 ? { tab: { Keys: left } } : {},
        });
      },
    });
    await using opened = await openTarget(server.endpoint);
    const records = puts(numberedItems(150));
    const found = await opened.target.stored!.find(tab(), [...records, records[0]!], opened.ctx.signal);
    expect(found.map((each) => each.length)).toEqual(Array.from({ length: 151 }, () => 1));
    expect(JSON.parse(Buffer.from(found[7]![0]!).toString()).pk).toEqual({ S: "k7" });
    expect(asked.slice(0, 3)).toEqual([100, 50, 25]);
  });

  test("a table that isn't there has none", async () => {
    await using server = await startProtocol({
      right: () => failure("ResourceNotFoundException"),
    });
    await using opened = await openTarget(server.endpoint);
    const { stored } = opened.target as { stored: Stored };
    expect(await stored.find(tab(), puts(numberedItems(2)), opened.ctx.signal)).toEqual([[], []]);
    for await (const { ends } of stored.read(tab(), undefined, opened.ctx.signal)) expect(ends).toEqual([]);
  });
});

describe("secondary indexes", () => {
  const gsi: SecondaryIndex = {
    name: "by-g",
    kind: "GSI",
    partition: keyAttribute("g"),
    sort: keyAttribute("r:N"),
    projection: { type: "INCLUDE", attributes: ["a", "b"] },
  };
  const lsi: SecondaryIndex = {
    name: "by-r",
    kind: "LSI",
    partition: keyAttribute("pk"),
    sort: keyAttribute("r:N"),
  };
  const table = testTable("pk", "sk", { name: "tab", targetName: "tab", secondary: [gsi, lsi] });
  const schema = (hash: string, range?: string): object[] => [
    ...(range ? [{ AttributeName: range, KeyType: "RANGE" }] : []),
    { AttributeName: hash, KeyType: "HASH" },
  ];
  const include = { ProjectionType: "INCLUDE", NonKeyAttributes: ["b", "a"] };
  const right = { IndexName: "by-g", KeySchema: schema("g", "r"), Projection: include };
  const local = { IndexName: "by-r", KeySchema: schema("pk", "r"), Projection: { ProjectionType: "ALL" } };

  async function faults(description: object, user = true): Promise<(string | undefined)[]> {
    await using server = await startProtocol({
      right: () => success({ Table: { TableName: "tab", TableStatus: "ACTIVE", ...description } }),
    });
    await using opened = await openTarget(server.endpoint);
    const planned = planIndexes(table, await setUpConverter(same), user);
    const found = await opened.target.stored!.indexes(table, planned, opened.ctx.signal);
    return found.map(({ wanted, found }) => found ?? `no ${wanted.fields.map(({ path }) => path).join()}`);
  }

  test.each<[string, object, string[]]>([
    ["as the source's", { GlobalSecondaryIndexes: [right], LocalSecondaryIndexes: [local] }, []],
    ["missing", {}, ["no g,r", "no pk,r"]],
    [
      "of another key",
      { GlobalSecondaryIndexes: [{ ...right, KeySchema: schema("g") }], LocalSecondaryIndexes: [local] },
      ["by-g on g HASH with INCLUDE a, b"],
    ],
    [
      "of another projection",
      {
        GlobalSecondaryIndexes: [right],
        LocalSecondaryIndexes: [{ ...local, Projection: { ProjectionType: "KEYS_ONLY" } }],
      },
      ["by-r on pk HASH, r RANGE with KEYS_ONLY"],
    ],
  ])("%s", async (_, description, expected) => {
    expect(await faults(description)).toEqual(expected);
  });

  test("that aren't wanted", async () => {
    expect(await faults({}, false)).toEqual([]);
  });
});
