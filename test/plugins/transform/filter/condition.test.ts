/** Conditions: their syntax as a property, their meaning as the service has it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { AttributeValue, Item } from "../../../../core/types.ts";
import { parseCondition } from "../../../../plugins/transform/filter/parse.ts";
import {
  type Comparator,
  compileCondition,
  type Condition,
  type Operand,
  type Path,
} from "../../../../plugins/transform/filter/condition.ts";
import { dynamo, scenario } from "../../../e2e/helpers.ts";
import { sharedServers } from "../../../servers/shared.ts";

setDefaultTimeout(180_000);

const keeps = (text: string, item: Item): boolean => compileCondition(parseCondition(text))(item);

/** The same condition as text, names in backticks and strings in quotes. */
function print(condition: Condition): string {
  switch (condition.is) {
    case "and":
    case "or":
      return condition.of.map((each) => `(${print(each)})`).join(condition.is === "and" ? " AND " : "\tor ");
    case "not":
      return `NOT (${print(condition.of)})`;
    case "compare":
      return `${operand(condition.left)}${condition.by}${operand(condition.right)}`;
    case "between":
      return `${operand(condition.operand)} BETWEEN ${operand(condition.low)} and ${operand(condition.high)}`;
    case "in":
      return `${operand(condition.operand)} in(${condition.list.map(operand).join(",")})`;
    case "attribute_type":
      return `Attribute_Type(${path(condition.path)}, '${condition.type}')`;
    case "begins_with":
    case "contains":
      return `${condition.is} (${path(condition.path)} , ${operand(condition.operand)})`;
    default:
      return `${condition.is}(${path(condition.path)})`;
  }
}

function operand(of: Operand): string {
  if ("path" in of) return path(of.path);
  if ("size" in of) return `SIZE(${path(of.size)})`;
  const { S, N, B, BOOL } = of.value;
  if (S !== undefined) return quoted(S, S.length % 2 === 0 ? '"' : "'");
  return N ?? (B === undefined ? (BOOL === undefined ? "NULL" : String(BOOL)) : `b64"${B}"`);
}

function path(steps: Path): string {
  return steps
    .map((step, i) => (typeof step === "number" ? `[${step}]` : (i > 0 ? "." : "") + quoted(step, "`")))
    .join("");
}

function quoted(text: string, quote: string): string {
  return quote + text.replace(/[\\"'`]/g, "\\$&").replaceAll("\n", "\\n") + quote;
}

const name = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }),
  fc.constantFrom("and", "a.b", "__proto__", "size", "`\\"),
);
const anyPath: fc.Arbitrary<Path> = fc
  .tuple(name, fc.array(fc.oneof(name, fc.nat(99)), { maxLength: 3 }))
  .map(([first, rest]) => [first, ...rest]);
const literalS = fc.string({ unit: "grapheme" }).map((S): AttributeValue => ({ S }));
const literalN = fc.oneof(fc.integer().map(String), fc.constantFrom("1.50", "-1E-130", "9.99E+125", ".5"));
const ordered: fc.Arbitrary<AttributeValue> = fc.oneof(
  literalS,
  literalN.map((N) => ({ N })),
  fc.uint8Array().map((bytes) => ({ B: Buffer.from(bytes).toString("base64") })),
);
const literal: fc.Arbitrary<AttributeValue> = fc.oneof(
  ordered,
  fc.boolean().map((BOOL) => ({ BOOL })),
  fc.constant({ NULL: true }),
);
const onItem: fc.Arbitrary<Operand> = fc.oneof(
  anyPath.map((path) => ({ path })),
  anyPath.map((size) => ({ size })),
);
const valueOf = (values: fc.Arbitrary<AttributeValue>): fc.Arbitrary<Operand> =>
  fc.oneof(
    onItem,
    values.map((value) => ({ value })),
  );
const simple: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    is: fc.constant("compare" as const),
    by: fc.constantFrom<Comparator>("=", "<>"),
    left: onItem,
    right: valueOf(literal),
  }),
  fc.record({
    is: fc.constant("compare" as const),
    by: fc.constantFrom<Comparator>("<", "<=", ">", ">="),
    left: valueOf(ordered),
    right: onItem,
  }),
  fc.record({ is: fc.constant("between" as const), operand: onItem, low: onItem, high: valueOf(ordered) }),
  fc.record({
    is: fc.constant("in" as const),
    operand: onItem,
    list: fc.array(valueOf(literal), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    is: fc.constantFrom("attribute_exists" as const, "attribute_not_exists" as const),
    path: anyPath,
  }),
  fc.record({
    is: fc.constant("attribute_type" as const),
    path: anyPath,
    type: fc.constantFrom("S", "NS", "BOOL", "M"),
  }),
  fc.record({ is: fc.constant("contains" as const), path: anyPath, operand: valueOf(literal) }),
  fc.record({ is: fc.constant("begins_with" as const), path: anyPath, operand: valueOf(literalS) }),
);
const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    simple,
    tie("tree").map((of): Condition => ({ is: "not", of })),
    fc.record({
      is: fc.constantFrom("and" as const, "or" as const),
      of: fc.array(tie("tree"), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

describe("the syntax", () => {
  test("what is printed parses to the same condition", () => {
    fc.assert(fc.property(tree, (condition) => expect(parseCondition(print(condition))).toEqual(condition)));
  });

  test("anything else is an error with its position, and nothing worse", () => {
    const pieces = fc.constantFrom(
      ..."a size ( ) [ ] . , = <> < AND OR NOT IN BETWEEN contains \" ' ` \\ 1 1e999 -. null b64 é".split(
        " ",
      ),
      "b64'AA'",
      '"x"',
    );
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join(" ")),
      tree.chain((condition) => {
        const text = print(condition);
        return fc.nat(text.length).map((at) => text.slice(0, at) + text.slice(at + 1));
      }),
    );
    const property = fc.property(texts, (text) => {
      try {
        compileCondition(parseCondition(text));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        const position = Number(/at position (\d+)$/.exec((error as Error).message)?.[1]);
        expect(position).toBeWithin(1, text.length + 2);
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test.each([
    ["status = ", "expected a path or a literal, found the end at position 10"],
    ["status == 1", "expected a path or a literal, found = at position 9"],
    ["status != 1", "unexpected ! at position 8"],
    ["a = 1 b = 2", "expected AND, OR or the end, found b at position 7"],
    ["(a = 1", "expected ), found the end at position 7"],
    ["a = 'x", "the ' is never closed at position 5"],
    ["a = 'x\\q'", "unknown escape \\q at position 7"],
    ["begins(a, 'x')", "unknown function begins at position 1"],
    ["begins_with(a, 5)", "begins_with takes a text or a binary at position 16"],
    [
      "attribute_type(a, 'Q')",
      'expected one of "S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M", found "Q" at position 19',
    ],
    ["'status' = 'paid'", "no attribute is compared here (a name has no quotes, or backticks) at position 1"],
    ["a > true", "true has no order: it can only be equal or not at position 5"],
    ["a BETWEEN 2 AND 1", "the lower bound of BETWEEN is above the upper one at position 11"],
    ["a BETWEEN 2 AND 'b'", "the bounds of BETWEEN are of two types at position 11"],
    ["a = b64'A'", "this is no base64 at position 5"],
    ["a = 1e126", "1e126 is no number that DynamoDB has at position 5"],
    [`a = ${"1".repeat(39)}`, `${"1".repeat(39)} is no number that DynamoDB has at position 5`],
    ["in = 1", "expected a path or a literal, found in at position 1"],
    ["a[1.5] = 1", "expected a place in a list, found 1.5 at position 3"],
    ["``= 1", "expected a path or a literal, found  at position 1"],
    [`${"(".repeat(100_000)}a = 1`, "more than 100 conditions inside each other at position 102"],
    [`${"not ".repeat(100_000)}a = 1`, "more than 100 conditions inside each other at position 405"],
  ])("what is wrong, case %#", (text, message) => {
    expect(() => parseCondition(text)).toThrow(new SyntaxError(message));
  });

  test("many conditions in a row are no depth", () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `a = ${i}`).join(" or ");
    expect(keeps(text, { a: { N: "9999" } })).toBe(true);
  });
});

test("what every object has is no attribute, and what is called so is one", () => {
  for (const odd of ["__proto__", "constructor", "toString"]) {
    expect(keeps(`attribute_exists(${odd})`, {})).toBe(false);
    expect(keeps(`attribute_exists(m.${odd})`, { m: { M: {} } })).toBe(false);
    const item = JSON.parse(`{"${odd}": {"S": "x"}, "m": {"M": {"${odd}": {"S": "x"}}}}`) as Item;
    expect(keeps(`${odd} = "x" and m.${odd} = "x"`, item)).toBe(true);
  }
});

test("only the attributes that are named are read, as plain properties", () => {
  const read: (string | symbol)[] = [];
  const lazy = new Proxy({} as Item, {
    get(_, name) {
      read.push(name);
      return undefined;
    },
    getOwnPropertyDescriptor: () => expect.unreachable(),
    ownKeys: () => expect.unreachable(),
  });
  expect(keeps("a.b = 1 or size(c) > 1 or attribute_exists(d) or contains(e, f)", lazy)).toBe(false);
  expect(read).toEqual(["a", "c", "d", "e", "f"]);
});

/** Odd values, as the attributes a and b of items. */
const VALUES: [a?: AttributeValue, b?: AttributeValue][] = [
  [],
  [undefined, { S: "z" }],
  [{ S: "é😀x" }, { S: "é" }],
  [{ S: "\u{ff5e}" }, { S: "😀" }],
  [{ S: "" }, { S: "a" }],
  [{ S: "5" }, { N: "5" }],
  [{ N: "5" }, { N: "5.0" }],
  [{ N: "12345678901234567890123456789012345678" }, { N: "12345678901234567890123456789012345677" }],
  [{ N: "-0.1" }, { N: "-0.10000000000000000000000000000000000001" }],
  [{ N: "1E-130" }, { N: "0" }],
  [{ N: "9.99E+125" }, { N: "-9.99E+125" }],
  [{ BOOL: true }, { BOOL: false }],
  [{ BOOL: true }, { BOOL: true }],
  [{ NULL: true }, { NULL: true }],
  [{ B: "AQID" }, { B: "AQI=" }],
  [{ B: "/w==" }, { B: "AQI=" }],
  [{ SS: ["a", "b"] }, { SS: ["b", "a"] }],
  [{ NS: ["1", "2"] }, { N: "1.0" }],
  [{ BS: ["AQ==", "Ag=="] }, { BS: ["Ag=="] }],
  [
    { L: [{ N: "1" }, { L: [{ S: "x" }] }, { SS: ["q", "p"] }] },
    { L: [{ N: "1.0" }, { L: [{ S: "x" }] }, { SS: ["p", "q"] }] },
  ],
  [{ L: [{ N: "1" }] }, { L: [{ N: "1" }, { N: "1" }] }],
  [{ L: [{ SS: ["q", "p"] }, { M: { x: { N: "1" } } }] }, { SS: ["p", "q"] }],
  [{ M: { x: { N: "1" }, y: { S: "q" } } }, { M: { y: { S: "q" }, x: { N: "1" } } }],
  [{ M: { x: { L: [{ N: "1" }, { N: "2" }] } } }, { M: {} }],
];

/** Conditions; in those of the service `:v` and `:w` stand for the literals. */
const CASES: [text: string, expression?: string, values?: AttributeValue[]][] = [
  ...["=", "<>", "<", "<=", ">", ">="].flatMap((by): typeof CASES => [
    [`a ${by} b`],
    [`size(a) ${by} size(b)`],
    [`a ${by} 5`, `a ${by} :v`, [{ N: "5" }]],
    [`'é' ${by} a`, `:v ${by} a`, [{ S: "é" }]],
    [`a ${by} "\\uff5e"`, `a ${by} :v`, [{ S: "\u{ff5e}" }]],
    [`a ${by} b64"AQID"`, `a ${by} :v`, [{ B: "AQID" }]],
    [`a ${by} -0.1`, `a ${by} :v`, [{ N: "-0.1" }]],
    [`size(a) ${by} 2`, `size(a) ${by} :v`, [{ N: "2" }]],
    [`a.x ${by} 1`, `a.x ${by} :v`, [{ N: "1" }]],
    [`a[0] ${by} 1`, `a[0] ${by} :v`, [{ N: "1" }]],
    [`a.x[1] ${by} 2`, `a.x[1] ${by} :v`, [{ N: "2" }]],
    [`a ${by} nowhere`],
    [`nowhere ${by} never`],
  ]),
  ["a = 12345678901234567890123456789012345677", "a = :v", [{ N: "12345678901234567890123456789012345677" }]],
  ["a = true", "a = :v", [{ BOOL: true }]],
  ["a <> null", "a <> :v", [{ NULL: true }]],
  [
    "NOT a = 5 AND b = 'z' OR a = 'x'",
    "NOT a = :v AND b = :w OR a = :x",
    [{ N: "5" }, { S: "z" }, { S: "x" }],
  ],
  [
    "a = 5 OR b = 'z' AND NOT a = 'x'",
    "a = :v OR b = :w AND NOT a = :x",
    [{ N: "5" }, { S: "z" }, { S: "x" }],
  ],
  ["NOT (a = 5 OR b = 'z')", "NOT (a = :v OR b = :w)", [{ N: "5" }, { S: "z" }]],
  ["NOT NOT a < 5", "NOT (NOT a < :v)", [{ N: "5" }]],
  ["a BETWEEN 1 AND 5", "a BETWEEN :v AND :w", [{ N: "1" }, { N: "5" }]],
  [
    "a between 'a' and 'é😀y' AND b = 'é'",
    "a BETWEEN :v AND :w AND b = :x",
    [{ S: "a" }, { S: "é😀y" }, { S: "é" }],
  ],
  ["a BETWEEN -1 AND b", "a BETWEEN :v AND b", [{ N: "-1" }]],
  ["5 BETWEEN a AND b", ":v BETWEEN a AND b", [{ N: "5" }]],
  ["size(a) BETWEEN 1 AND 2", "size(a) BETWEEN :v AND :w", [{ N: "1" }, { N: "2" }]],
  ["a IN (5.0, b, true)", "a IN (:v, b, :w)", [{ N: "5.0" }, { BOOL: true }]],
  ["nowhere IN (never)", "nowhere IN (never)"],
  ...["a", "a.x", "a[1]", "a[0].x", "a[1].x"].flatMap((path): typeof CASES => [
    [`attribute_exists(${path})`],
    [`attribute_not_exists(${path})`],
  ]),
  ...["S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M"].map((type): (typeof CASES)[number] => [
    `attribute_type(a, "${type}")`,
    "attribute_type(a, :v)",
    [{ S: type }],
  ]),
  ["begins_with(a, 'é')", "begins_with(a, :v)", [{ S: "é" }]],
  ["begins_with(a, '')", "begins_with(a, :v)", [{ S: "" }]],
  ["begins_with(a, b64'AQI=')", "begins_with(a, :v)", [{ B: "AQI=" }]],
  ["begins_with(a, b)"],
  ["contains(a, 'x')", "contains(a, :v)", [{ S: "x" }]],
  ["contains(a, 'a')", "contains(a, :v)", [{ S: "a" }]],
  ["contains(a, '')", "contains(a, :v)", [{ S: "" }]],
  ["contains(a, 1.0)", "contains(a, :v)", [{ N: "1.0" }]],
  ["contains(a, b64'AgM=')", "contains(a, :v)", [{ B: "AgM=" }]],
  ["contains(a, b64'Ag==')", "contains(a, :v)", [{ B: "Ag==" }]],
  ["contains(a, null)", "contains(a, :v)", [{ NULL: true }]],
  ["contains(a, b)"],
];

/** What not every server answers as the service does; the tests above hold for these. */
const ODD = /size\(|nowhere|begins_with|contains\(a, (1|b)| IN |^a (=|<>) b$/;

test("every condition keeps the items that the service finds", async () => {
  await using s = await scenario();
  const { can } = await sharedServers();
  const cases = CASES.filter(([text]) => can.oddConditions || !ODD.test(text));
  const items = VALUES.map(([a, b], i) => ({ pk: { S: `k${i}` }, ...(a && { a }), ...(b && { b }) }));
  const TableName = await s.table("t", { items: items as Record<string, object>[] });
  const { Items } = (await dynamo(s.dynamoEndpoint, "Scan", { TableName })) as { Items: Item[] };
  expect(Items.length).toBe(VALUES.length);
  const keysOf = (found: Item[]): string[] => found.map(({ pk }) => pk!.S!).toSorted();
  const differing: unknown[] = [];
  let kept = 0;
  for (const [text, expression = text, values = []] of cases) {
    const named = values.map((value, i) => [`:${"vwx"[i]}`, value] as const);
    const answer = await dynamo(s.dynamoEndpoint, "Scan", {
      TableName,
      FilterExpression: expression,
      ...(named.length > 0 && { ExpressionAttributeValues: Object.fromEntries(named) }),
    });
    const expected = keysOf(answer["Items"] as Item[]);
    const found = keysOf(Items.filter(compileCondition(parseCondition(text))));
    kept += found.length;
    if (!Bun.deepEquals(found, expected)) differing.push({ text, found, expected });
  }
  expect(differing).toEqual([]);
  expect(kept).toBeGreaterThan(cases.length);
});
