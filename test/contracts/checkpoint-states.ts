/** What a checkpoint has to keep: odd names, and states of every kind. */

/** Names, and parts of names. */
export const NAMES: string[] = [
  "run",
  "full:orders",
  "full:Orders",
  "",
  ".",
  "../x",
  "a/b\\c",
  "a.b",
  "$x",
  "__proto__",
  "Zürich 北京 🦤",
  "nul\0nul",
  `long ${"x".repeat(300)}`,
  `long ${"x".repeat(299)}y`,
];

/** States of every kind, and what is odd about them. */
export const STATES: [what: string, state: unknown][] = [
  ["a text", "x"],
  ["an empty text", ""],
  ["null", null],
  ["false", false],
  ["numbers", [0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER]],
  ["no member", {}],
  ["no element", []],
  [
    "a position",
    { pk: { S: 'line\nbreak "quoted" \\ \u2028' }, sk: { N: "12345678901234567890123456789012345678" } },
  ],
  [
    "names that mean something to MongoDB",
    { $x: 1, "a.b": { $set: { "": 2 } }, _id: 3, _bsontype: "ObjectId" },
  ],
  [
    "names that mean something to JavaScript",
    JSON.parse('{"__proto__":{"S":"x"},"constructor":1,"toJSON":2}'),
  ],
  ["a name and a text of every script", { "ключ 🗝": "\u0000\uffff 👩‍👩‍👧 ﷽" }],
  ["a hundred levels", JSON.parse('{"a":'.repeat(100) + "1" + "}".repeat(100))],
];
