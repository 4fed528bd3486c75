/** Configurations of any bytes, with --set and the environment: a checked one, or every problem by its name; no secret in either. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeConf } from "../../core/config/conf-syntax.ts";
import { loadConfig } from "../../core/config/load.ts";
import { DEFAULTS, SETTINGS } from "../../core/config/settings.ts";
import type { SettingKey } from "../../core/config/config.ts";
import { MigrationError } from "../../core/errors.ts";
import { codeOf, fuzz, type Outcome } from "./fuzzing.ts";
import { mangled } from "./mutations.ts";

const KEYS = SETTINGS.map(({ key }) => key);
const SECRET = "s3cr3t/Zq9+Value==";
/** The keys whose value nobody may see. */
const SECRETS = ["source.secret_access_key", "source.session_token", "target.secret_access_key"] as const;

const VALUES = [
  "",
  " ",
  "0",
  "-0",
  "-1",
  "1",
  "007",
  "1.5",
  "1e3",
  "0x10",
  "٣",
  "2147483648",
  "99999999999999999999999",
  "-99999999999999999999999",
  "NaN",
  "Infinity",
  "true",
  "TRUE",
  "yes",
  "\0",
  "a\0b",
  "“x”",
  "'\"x\"'",
  '"',
  "x".repeat(10_000),
  ";;;",
  "a;b;*;a",
  "../../etc",
  "http://",
  "http://[::1",
  "mongodb://u:p@h/?x",
  "mongodb://",
  "\u202e",
  "1 GB",
  "16 EB",
  "0 MB",
  "__proto__",
  '{"S":',
  ":a=1",
  "all",
  "full",
  "file",
  "auto",
  "json",
];
const NAMES = [
  "__proto__",
  "constructor",
  "sуnc_mode",
  "Sync_Mode",
  "id ",
  ".id",
  "plugin.x.y",
  "plugin.__proto__.x",
  "x".repeat(5000),
];

const anyValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.integer().map(String),
);
const anyKey = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<string>(...KEYS) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
);
const line = fc
  .tuple(
    anyKey,
    fc.constantFrom("=", " = ", "\t=\t", ":", "", "=="),
    anyValue,
    fc.constantFrom("\n", "\r\n", "\r", "\n\n"),
  )
  .map((parts) => parts.join(""));
/** One that says what is so without it. */
const defaultLine = fc.constantFrom(...KEYS).map((key) => `${key} = ${DEFAULTS[key]}\n`);
const secretLine = fc.constantFrom(...SECRETS).map((key) => `${key} = ${SECRET}\n`);
const fileOf = (lines: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.array(lines, { maxLength: 12 }),
      fc.constantFrom("", "\ufeff"),
      fc.constantFrom("utf8", "utf16le"),
    )
    .map(([each, mark, encoding]) => [mark + each.join(""), encoding] as const)
    .map(([text, encoding]) =>
      Buffer.from(text + "\ntarget.address = mongodb://127.0.0.1:1\n", encoding as BufferEncoding),
    );
const file = fileOf(
  fc.oneof({ weight: 1, arbitrary: line }, { weight: 4, arbitrary: defaultLine }, secretLine),
);
/** Where a byte may fall out, what was a secret's name may be another's value. */
const plainFile = fileOf(fc.oneof(line, { weight: 5, arbitrary: defaultLine }));

interface Given {
  text: Buffer;
  set: readonly string[];
  env: Record<string, string>;
}

/** Loads it; what is said of it is checked, whatever it is. */
function check({ text: bytes, set, env }: Given): Outcome {
  const text = decodeConf(bytes);
  const begun = performance.now();
  try {
    const { config, warnings } = loadConfig({ text, file: "x.conf", set, env });
    for (const { key } of SETTINGS) expect(Object.hasOwn(config, key)).toBe(true);
    for (const [key, value] of Object.entries(config)) {
      if (typeof value === "number") expect([key, Number.isFinite(value)]).toEqual([key, true]);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(config)).toBe(Object.prototype);
    checkWords(warnings.join("\n"));
    return "right";
  } catch (error) {
    const code = codeOf(error);
    const { message, hint } = error as MigrationError;
    expect(hint).toBeDefined();
    checkWords(`${message}\n${hint}`);
    return code;
  } finally {
    // However long the lines are.
    expect(performance.now() - begun).toBeLessThan(5000);
  }
}

/** What is said holds no secret, no stack and no line of any length. */
function checkWords(words: string): void {
  expect(words).not.toContain(SECRET);
  expect(words).not.toMatch(/\n\s+at |\bundefined\b|\[object|TypeError/);
  for (const each of words.split("\n")) expect(each.length).toBeLessThan(3000);
}

describe("a configuration", () => {
  const settings = fc.array(
    fc.tuple(anyKey, fc.constantFrom("=", " = ", ""), anyValue).map((parts) => parts.join("")),
    { maxLength: 1 },
  );
  const variables = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...SETTINGS.map(({ env }) => env)),
      fc.constantFrom("NIMO_", "NIMO_X", "NIMO_PLUGIN_X_Y", "NIMO_PLUGIN___PROTO___X", "nimo_id"),
    ),
    anyValue,
    { maxKeys: 1 },
  );

  fuzz("configurations of lines, --set and variables", {
    inputs: fc.record({ text: file, set: settings, env: variables }),
    runs: 150,
    check,
    sees: ["right", "CONFIG_INVALID"],
  });

  fuzz("configurations with broken bytes", {
    inputs: fc.record({ text: mangled(plainFile), set: fc.constant([]), env: fc.constant({}) }),
    runs: 150,
    check,
    sees: ["right", "CONFIG_INVALID"],
  });

  fuzz("configurations of any bytes", {
    inputs: fc.record({
      text: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      set: fc.constant([]),
      env: fc.constant({}),
    }),
    runs: 150,
    check,
  });

  fuzz("all problems at once", {
    inputs: fc.uniqueArray(
      fc.constantFrom<SettingKey>(
        "full.concurrency",
        "sync_mode",
        "log.level",
        "qps.full",
        "target.type",
        "on_gap",
        "memory.limit",
      ),
      { minLength: 1 },
    ),
    runs: 50,
    check(keys) {
      const text = keys.map((key) => `${key} = !`).join("\n");
      try {
        loadConfig({ text, file: "x.conf" });
      } catch (error) {
        for (const [i, key] of keys.entries()) {
          expect((error as Error).message).toContain(`${key} = "!" (x.conf line ${i + 1})`);
        }
        return codeOf(error);
      }
      throw new Error("taken");
    },
  });

  test("of many long lines is read in time", () => {
    const text = Buffer.from(
      `${"#".repeat(50)}\n`.repeat(100_000) + `id = ${"x".repeat(5_000_000)}\n` + "= x\n".repeat(2000),
    );
    expect(() => loadConfig({ text: decodeConf(text) })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
