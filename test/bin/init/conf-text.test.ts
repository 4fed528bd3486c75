/** The file that `init` writes gives the values that it was written with. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { confText, type Texts } from "../../../bin/init/conf-text.ts";
import { parseConf } from "../../../core/config/conf-syntax.ts";
import { loadConfig } from "../../../core/config/load.ts";
import { SETTINGS } from "../../../core/config/settings.ts";

const ADDRESS: Texts = { "target.address": "mongodb://127.0.0.1:27017" };

function readAgain(texts: Texts, options = {}): ReturnType<typeof loadConfig> {
  return loadConfig({ text: confText({ ...ADDRESS, ...texts }, options, "1.2.3") });
}

describe("a value is read as it was given", () => {
  test.each([
    "plain",
    "#begins with a hash",
    "a # in it",
    "a=b=c",
    "a;b ; c",
    "ends with blanks  ",
    "\tbegins with a tab",
    "'single'",
    '"double"',
    '""',
    "''",
    `"'both'"`,
    '"',
    "'",
    "it's",
    '"half',
    "Zürich 北京 🦤",
    "\ufeffa mark\ufeff",
    "back\\slash",
    "\u2028",
    "key = value",
  ])("%j", (value) => {
    expect(
      readAgain({ "source.secret_access_key": value, "source.access_key_id": "k" }).config,
    ).toMatchObject({
      "source.secret_access_key": value,
    });
  });

  test("any text without a line break", () => {
    const text = fc.string({ unit: "binary", minLength: 1 }).filter((value) => !/[\r\n]/.test(value));
    fc.assert(
      fc.property(text, (value) => {
        const { entries, problems } = parseConf(confText({ "source.session_token": value }, {}, "1"));
        expect(problems).toEqual([]);
        expect(entries.find(({ key }) => key === "source.session_token")?.value).toBe(value);
      }),
    );
  });

  test("an option of a plugin", () => {
    const options = { mask: { salt: ' "#; ', fields: "a.b" } };
    expect(readAgain({}, options).pluginOptions).toEqual(options);
  });
});

test.each(["a\nb", "a\rb", "ends with a CR\r"])(
  "a line break can't be written, and the key is named: %j",
  (value) => {
    const write = (): unknown => confText({ "source.session_token": value }, {}, "1");
    expect(write).toThrow("a value can't have a line break: source.session_token");
  },
);

test("every key is there once, what isn't given as a comment with its default, and nothing else is set", () => {
  const text = confText({ ...ADDRESS, "qps.full": "7" }, {}, "1.2.3");
  for (const { key, default: fallback, description } of SETTINGS) {
    const lines = text.split("\n").filter((line) => line.replace("#", "").startsWith(`${key} =`));
    expect(lines).toHaveLength(1);
    if (lines[0]!.startsWith("#")) expect(lines[0]).toBe(`#${key} = ${fallback}`.trimEnd());
    expect(text).toContain(`# ${description}`);
  }
  const { config, warnings } = loadConfig({ text });
  expect(config).toEqual({ ...loadConfig({ set: ADDRESS as Record<string, string> }).config, "qps.full": 7 });
  expect(warnings).toEqual([]);
  expect(text).toMatch(/^# Written by nimo-shake 1\.2\.3 init\./);
});

test("with the commented keys taken in, it is the same configuration", () => {
  const text = confText(ADDRESS, {}, "1").replaceAll(/^#(?=[a-z_.]+ =)/gm, "");
  expect(loadConfig({ text }).config).toEqual(loadConfig({ set: ADDRESS as Record<string, string> }).config);
});
