/** The syntax of a configuration file. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeConf, parseConf } from "../../../core/config/conf-syntax.ts";

const valueOf = (line: string) => parseConf(line).entries[0]?.value;

describe("a line", () => {
  test.each([
    ["a = b", "b"],
    ["a=b", "b"],
    ["\ta\t=\tb\t", "b"],
    ["a = b\r", "b"],
    ["\uFEFFa = b", "b"],
    ["a =", ""],
    ["a = b = c", "b = c"],
    ["a = mongodb://h/?x=1&y=2", "mongodb://h/?x=1&y=2"],
    ["a = b c", "b c"],
    ["a = b # c", "b # c"],
    ["a = #b", "#b"],
    ['a = "http://192.168.0.1:1010"', "http://192.168.0.1:1010"],
    ["a = 'b'", "b"],
    ['a = " b "', " b "],
    ["a = \"'b'\"", "'b'"],
    ['a = ""', ""],
    ['a = "', '"'],
    ['a = "b', '"b'],
    ["a = \"b'", "\"b'"],
    ['a = "b" # c', '"b" # c'],
  ])("%j has the value %j", (line, value) => {
    expect(parseConf(line)).toEqual({ entries: [{ key: "a", value, line: 1 }], problems: [], warnings: [] });
  });

  test.each(["", "  ", "\t\r", "# a = b", "\t # a = b", "#"])("%j is no setting and no problem", (line) => {
    expect(parseConf(line)).toEqual({ entries: [], problems: [], warnings: [] });
  });

  test.each([
    ["a", 'no "="'],
    ["; a", 'no "="'],
    ["[section]", 'no "="'],
    ["= b", "no usable key"],
    [".a = b", "no usable key"],
    ["a b = c", "no usable key"],
    ["a/b = c", "no usable key"],
    ["ключ = c", "no usable key"],
  ])("%j is a problem", (line, message) => {
    const { entries, problems } = parseConf(`ok = 1\n${line}`);
    expect(entries).toHaveLength(1);
    expect(problems).toEqual([{ line: 2, message: expect.stringContaining(message) }]);
  });

  test("that is a problem is not repeated, for it may be a piece of a secret", () => {
    const { problems } = parseConf("FwoGZXIvYXdzE\nFwoGZXIvYX/dzE==");
    expect(problems).toHaveLength(2);
    expect(JSON.stringify(problems)).not.toContain("FwoG");
  });
});

test("lines end as on any system, and a value is no longer than its line", () => {
  const { entries } = parseConf("a = 1\rb = 2\r\nc = 3\n\rd = 4");
  expect(entries.map(({ key, value, line }) => [key, value, line])).toEqual([
    ["a", "1", 1],
    ["b", "2", 2],
    ["c", "3", 3],
    ["d", "4", 5],
  ]);
});

test("the last of a key given twice counts, with a warning", () => {
  expect(parseConf("a = 1\nb = 2\n\na = 3")).toEqual({
    entries: [
      { key: "a", value: "3", line: 4 },
      { key: "b", value: "2", line: 2 },
    ],
    problems: [],
    warnings: [{ line: 4, message: expect.stringContaining("first on line 1") }],
  });
});

describe("any file", () => {
  const blank = fc.stringMatching(/^[ \t]{0,3}$/);
  const key = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,20}$/);
  const value = fc
    .oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[ =#"'`~;a]{0,12}$/))
    .filter((text) => !/[\r\n]/.test(text));
  const isPlain = (text: string) => text === text.trim() && !/^(["']).*\1$/s.test(text);
  const written = (text: string) =>
    fc
      .constantFrom(...(isPlain(text) ? [text] : []), `"${text}"`, `'${text}'`)
      .map((form) => ({ text, form }));
  const setting = fc.record({ key, value: value.chain(written), gaps: fc.tuple(blank, blank, blank, blank) });
  const noise = fc.oneof(
    blank,
    value.map((text) => ` # ${text}`),
  );

  test("is read back as it was written, whatever the blanks, quotes, comments and line ends", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(setting, { selector: (each) => each.key }),
        fc.array(noise, { minLength: 1 }),
        fc.constantFrom("\n", "\r\n"),
        fc.constantFrom("", "\uFEFF"),
        (settings, noises, end, bom) => {
          const lines = settings.flatMap(({ key, value, gaps: [a, b, c, d] }, index) => [
            noises[index % noises.length] ?? "",
            `${a}${key}${b}=${c}${value.form}${d}`,
          ]);
          expect(parseConf(bom + lines.join(end))).toEqual({
            entries: settings.map(({ key, value }, index) => ({
              key,
              value: value.text,
              line: 2 * index + 2,
            })),
            problems: [],
            warnings: [],
          });
        },
      ),
    );
  });

  test("of arbitrary text is read without throwing, and every line is accounted for", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (lines) => {
        const text = lines.join("\n");
        const { entries, problems, warnings } = parseConf(text);
        const said = text.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
        expect(entries.length + problems.length + warnings.length).toBe(said.length);
      }),
    );
  });
});

test.each<[string, (text: string) => Buffer]>([
  ["UTF-8", (text) => Buffer.from(text)],
  ["UTF-8 with a mark", (text) => Buffer.from(`\uFEFF${text}`)],
  ["UTF-16", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["UTF-16 without a mark", (text) => Buffer.from(text, "utf16le")],
  ["UTF-16, high bytes first", (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
  ["UTF-16 without a mark, high bytes first", (text) => Buffer.from(text, "utf16le").swap16()],
])("a file in %s is read", (_, encode) => {
  const text = "# für\r\nid = x\r\nlog.file = 日志\r\n";
  const { entries, problems } = parseConf(decodeConf(encode(text)));
  expect(problems).toEqual([]);
  expect(entries).toEqual([
    { key: "id", value: "x", line: 2 },
    { key: "log.file", value: "日志", line: 3 },
  ]);
  expect(decodeConf(Buffer.alloc(0))).toBe("");
});

test("a value is split at the first = only", () => {
  expect(valueOf("source.session_token = abc==")).toBe("abc==");
});
