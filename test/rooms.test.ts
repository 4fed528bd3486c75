/** Who may import whom. The rooms are described in docs/architecture.md. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** What everybody needs. */
const NOUNS = ["core/types.ts", "core/errors.ts"];

/** What every room may import beside its own files. A name with a slash at its end is a folder, others are files. */
const RULES: Record<string, string[]> = {
  "core/types.ts": [],
  "core/error-codes.ts": [],
  "core/error-advice.ts": ["core/error-codes.ts"],
  "core/errors.ts": ["core/error-codes.ts"],
  "core/flow/": [],
  "core/host/": ["core/errors.ts"],
  "core/config/": NOUNS,
  "core/progress/": NOUNS,
  "core/schema/": ["core/plugin/", ...NOUNS],
  "core/plugin/": ["core/config/", "core/progress/", "core/flow/", "core/host/", ...NOUNS],
  "core/spool/": ["core/host/", "core/schema/sequence-number.ts", ...NOUNS],
  "core/stages/": ["core/plugin/", "core/schema/", "core/config/", "core/progress/", "core/host/", ...NOUNS],
  "core/checkpoint/": [
    "core/stages/",
    "core/plugin/",
    "core/schema/",
    "core/config/",
    "core/flow/",
    "core/host/clock.ts",
    ...NOUNS,
  ],
  "core/full/": [
    "core/checkpoint/",
    "core/stages/",
    "core/plugin/",
    "core/schema/",
    "core/progress/",
    "core/flow/",
    ...NOUNS,
  ],
  "core/incr/": [
    "core/checkpoint/",
    "core/stages/",
    "core/spool/",
    "core/plugin/",
    "core/schema/",
    "core/config/",
    "core/progress/",
    "core/flow/",
    "core/host/clock.ts",
    ...NOUNS,
  ],
  "core/verify/": [
    "core/full/",
    "core/incr/",
    "core/checkpoint/",
    "core/stages/",
    "core/plugin/",
    "core/schema/",
    "core/config/",
    "core/progress/",
    "core/flow/",
    "core/host/",
    ...NOUNS,
  ],
  "core/run/": [
    "package.json",
    "core/verify/",
    "core/full/",
    "core/incr/",
    "core/checkpoint/",
    "core/stages/",
    "core/spool/",
    "core/plugin/",
    "core/schema/",
    "core/config/",
    "core/progress/",
    "core/flow/",
    "core/host/",
    ...NOUNS,
  ],
  "core/report/": [
    "core/verify/verify.ts",
    "core/verify/report.ts",
    "core/config/",
    "core/progress/",
    "core/host/",
    ...NOUNS,
  ],
  "core/check/": [
    "core/run/",
    "core/verify/",
    "core/incr/",
    "core/checkpoint/",
    "core/stages/",
    "core/plugin/",
    "core/schema/",
    "core/config/",
    "core/progress/",
    "core/flow/",
    "core/host/",
    ...NOUNS,
  ],
  "core/library.ts": [
    "core/run/",
    "core/config/",
    "core/plugin/",
    "core/progress/",
    ...NOUNS,
    "plugins/index.ts",
  ],
  "core/index.ts": [
    "core/library.ts",
    "core/run/context.ts",
    "core/run/control.ts",
    "core/verify/",
    "core/config/",
    "core/plugin/",
    "core/progress/",
    ...NOUNS,
  ],
  "plugins/index.ts": ["plugins/", "core/config/config.ts", "core/plugin/"],
  "plugins/_patterns.ts": NOUNS,
  "plugins/_certificate-problem.ts": [],
  ...Object.fromEntries(
    ["_bson", "_dynamodb", "_mongodb", "source", "transform", "convert", "target", "checkpoint"].map(
      (room) => [
        `plugins/${room}/`,
        [
          "plugins/_bson/",
          "plugins/_dynamodb/",
          "plugins/_mongodb/",
          "plugins/_patterns.ts",
          "plugins/_certificate-problem.ts",
          "core/plugin/",
          "core/schema/",
          "core/flow/",
          "core/host/",
          "core/config/config.ts",
          "core/config/read-concurrency.ts",
          "core/config/checkpoint-folder.ts",
          "core/config/mongo-address.ts",
          "core/config/nearest.ts",
          "core/progress/progress.ts",
          ...NOUNS,
        ],
      ],
    ),
  ),
  "bin/": [
    "core/check/",
    "core/verify/",
    "core/run/",
    "core/report/",
    "core/config/",
    "core/plugin/",
    "core/progress/",
    "core/flow/",
    "core/host/",
    "core/error-codes.ts",
    "core/error-advice.ts",
    ...NOUNS,
    "plugins/index.ts",
    "package.json",
  ],
};

/** Where the driver may be imported: whoever writes BSON or talks to MongoDB. */
const DRIVER = ["plugins/", "core/schema/keys.ts"];

const FILES = ["core", "plugins", "bin"].flatMap((folder) =>
  [...new Bun.Glob(`${folder}/**/*.ts`).scanSync(ROOT)].map((file) => file.replaceAll("\\", "/")),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g)].map(([, name]) => name!);
}

const isIn = (file: string, place: string): boolean =>
  place.endsWith("/") ? file.startsWith(place) : file === place;

describe("rooms", () => {
  test("every file is in one", () => {
    const without = FILES.filter((file) => !Object.keys(RULES).some((room) => isIn(file, room)));
    expect(without).toEqual([]);
  });

  test.each(Object.entries(RULES))("%s imports what it may", (room, may) => {
    const wrong = FILES.filter((file) => isIn(file, room)).flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => relative(ROOT, join(ROOT, dirname(file), name)).replaceAll("\\", "/"))
        .filter((name) => ![room, ...may].some((place) => isIn(name, place)))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("MongoDB's driver is imported by plugins, and by who compares keys", () => {
    const wrong = FILES.filter(
      (file) => importsOf(file).includes("mongodb") && !DRIVER.some((place) => isIn(file, place)),
    );
    expect(wrong).toEqual([]);
  });
});
