/** Files of keys, as people and other programs write them: each key once, as it stands there, or a line is named. */
import { afterAll, describe, expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { isPossibleKey } from "../../core/schema/possible-key.ts";
import type { Item, Table } from "../../core/types.ts";
import { givenKeys } from "../../core/verify/given-keys.ts";
import { testTable } from "../fakes/context.ts";
import { codeOf, fuzz } from "./fuzzing.ts";
import { mangled, warped } from "./mutations.ts";

const folder = mkdtempSync(join(tmpdir(), "nimo-shake-keys-"));
const path = join(folder, "keys.jsonl");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLES: Table[] = [
  testTable("pk"),
  testTable("pk:N", "sk:B"),
  testTable("pk:B"),
  testTable("key", "table"),
];
const VALUES = {
  S: fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
    fc.constantFrom("\u2028", "\ufffd", "a\0"),
  ),
  N: fc.constantFrom(
    "0",
    "-1",
    "1.5",
    "12345678901234567890.5",
    "1e5",
    "1E+2",
    "-0.00",
    "007",
    "1e126",
    "1e999",
  ),
  B: fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64")),
};

const keyOf = (table: Table): fc.Arbitrary<Item> =>
  fc.record(
    Object.fromEntries(
      [table.keys.partition, ...(table.keys.sort ? [table.keys.sort] : [])].map(({ name, type }) => [
        name,
        VALUES[type].map((value) => ({ [type]: value })),
      ]),
    ),
  );

/** A line in either form, of this table or another one, with more members than a key has. */
const lineOf = (table: Table): fc.Arbitrary<object> =>
  keyOf(table).chain((key) =>
    fc.constantFrom<object>(
      key,
      { ...key, more: { S: "x" } },
      { table: table.name, key },
      { table: table.name, key, kind: "different", path: "a", source: 1 },
      { table: table.name, kind: "missing_index" },
      { table: "another", key: { other: { S: "x" } } },
    ),
  );

/** What a file says. */
interface Input {
  table: Table;
  file: Buffer;
}

const fileOf = (lines: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(fc.array(lines, { maxLength: 8 }), fc.constantFrom("\n", "\r\n", "\n\n", "\n \n"), fc.boolean())
    .map(([all, end, isMarked]) =>
      Buffer.from(`${isMarked ? "\ufeff" : ""}${all.map((line) => JSON.stringify(line)).join(end)}`),
    );

async function given({ table, file }: Input): Promise<Item[]> {
  writeFileSync(path, file);
  return (await Array.fromAsync(givenKeys(path, table, true))).flat();
}

const anyTable = fc.constantFrom(...TABLES);

describe("a file of keys", () => {
  fuzz("files of keys, whole", {
    inputs: anyTable.chain((table) => fc.record({ table: fc.constant(table), file: fileOf(lineOf(table)) })),
    sees: ["right", "USAGE"],
    async check(input) {
      const { table, file } = input;
      const lines = file
        .toString()
        .replace("\ufeff", "")
        .split(/\r?\n/)
        .filter((line) => line.trim() !== "");
      const asked = lines.map((line) => JSON.parse(line) as { table?: unknown; key?: Item; kind?: unknown });
      const own = asked.filter(
        (line) => typeof line.table !== "string" || (line.table === table.name && line.key),
      );
      try {
        const keys = await given(input);
        const wanted = own.map((line) =>
          typeof line.table === "string" ? line.key! : (line as unknown as Item),
        );
        expect(keys.length).toBeLessThanOrEqual(wanted.length);
        // Each of those that are there is among them, in the form in which the service gives it.
        for (const key of wanted) {
          const found = keys.some((each) =>
            Object.entries(each).every(([name, value]) => isSame(value, key[name])),
          );
          expect(found).toBe(true);
        }
        return "right";
      } catch (error) {
        const code = codeOf(error);
        expect((error as Error).message).toContain(`${path}, line `);
        return code;
      }
    },
  });

  fuzz("files of keys, damaged", {
    inputs: anyTable.chain((table) =>
      fc.record({ table: fc.constant(table), file: mangled(fileOf(warped(lineOf(table)))) }),
    ),
    runs: 1000,
    sees: ["right", "USAGE"],
    async check(input) {
      try {
        for (const key of await given(input)) expect(isPossibleKey(key, input.table)).toBe(true);
        return "right";
      } catch (error) {
        const code = codeOf(error);
        expect((error as Error).message).toContain(path);
        return code;
      }
    },
  });
});

function isSame(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((value) => (value as Record<string, string> | undefined) ?? {});
  if (a!["N"] !== undefined) return b!["N"] !== undefined && Number(a!["N"]) === Number(b!["N"]);
  return Bun.deepEquals(a, b);
}
