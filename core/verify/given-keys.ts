/** Keys from a file: a JSON object a line, `{ "table": …, "key": … }` as in a diff file, or a key alone. */
import { open } from "node:fs/promises";
import { MigrationError } from "../errors.ts";
import { linesOf } from "../host/lines.ts";
import { keyAttributes } from "../schema/keys.ts";
import { isPossibleKey } from "../schema/possible-key.ts";
import { plainDecimal } from "../schema/decimal.ts";
import { setField } from "../schema/set-field.ts";
import type { AttributeValue, Item, KeyAttribute, Table } from "../types.ts";

/** So many keys are given at a time. */
const SIZE = 1000;

/**
 * The keys of a table, each once.
 *
 * @param isOnly there is no other table, so that a key alone is one of its
 * @throws MigrationError USAGE naming file and line
 */
export async function* givenKeys(path: string, table: Table, isOnly: boolean): AsyncGenerator<Item[]> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause.code === "ENOENT" ? "there is no such file" : cause.message, cause);
  });
  const seen = new Set<string>();
  let keys: Item[] = [];
  let number = 0;
  try {
    for await (const line of linesOf(file)) {
      number++;
      if (line.trim() === "") continue;
      const key = keyOf(parse(line, path, number), table, isOnly, `${path}, line ${number}`);
      const text = JSON.stringify(key);
      if (key === undefined || seen.has(text)) continue;
      seen.add(text);
      keys.push(key);
      if (keys.length < SIZE) continue;
      yield keys;
      keys = [];
    }
    if (keys.length > 0) yield keys;
  } catch (error) {
    if (error instanceof TypeError)
      throw unreadable(
        path,
        `they are no UTF-8${number > 0 ? `, somewhere behind line ${number}` : ""}`,
        error,
      );
    if (error instanceof MigrationError || !(error instanceof Error) || !("code" in error)) throw error;
    throw unreadable(path, error.message, error);
  } finally {
    await file.close().catch(() => {});
  }
}

function parse(line: string, path: string, number: number): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw unreadable(path, `line ${number} is no JSON object`);
}

/** Undefined: another table's, or a difference that is none of an item. */
function keyOf(
  line: Record<string, unknown>,
  table: Table,
  isOnly: boolean,
  where: string,
): Item | undefined {
  const named = typeof line["table"] === "string" && ("key" in line || "kind" in line);
  if (named && line["table"] !== table.name) return undefined;
  if (named && line["key"] === undefined) return undefined;
  if (!named && !isOnly) {
    throw new MigrationError("USAGE", `no table is named: ${where}`, {
      hint: 'write {"table": "…", "key": {…}}, or name one table with --tables',
    });
  }
  const key = (named ? line["key"] : line) as Item;
  const plain: Item = {};
  for (const attribute of keyAttributes(table)) {
    const value = plainValue(key?.[attribute.name], attribute);
    if (value === undefined) {
      const { name, type } = attribute;
      throw noKey(`no key of table ${table.name}, ${name} isn't there as a value of type ${type}: ${where}`);
    }
    setField(plain, attribute.name, value);
  }
  if (isPossibleKey(plain, table)) return plain;
  throw noKey(
    `no item of table ${table.name} can have this key, it is empty, too long or malformed: ${where}`,
  );
}

function noKey(what: string): MigrationError {
  return new MigrationError("USAGE", what, {
    hint: 'keys are in DynamoDB JSON, such as {"pk": {"S": "a"}}',
  });
}

/** As the service would give it; undefined: it is no value of that type. */
function plainValue(value: AttributeValue | undefined, { type }: KeyAttribute): AttributeValue | undefined {
  const text = value?.[type];
  if (typeof text !== "string") return undefined;
  if (type === "B") {
    const B = Buffer.from(text, "base64").toString("base64");
    // What is no base64 would be read as another key.
    return bare(B) === bare(text) ? { B } : undefined;
  }
  if (type === "S") return { S: text };
  try {
    return { N: plainDecimal(text) };
  } catch {
    return undefined;
  }
}

/** Base64 in the spelling that has fewest characters. */
function bare(base64: string): string {
  return base64.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
}

function unreadable(path: string, what: string, cause?: unknown): MigrationError {
  return new MigrationError("USAGE", `the keys can't be read, ${what}: ${path}`, {
    cause,
    hint: "give --keys a file with a JSON object a line",
  });
}
