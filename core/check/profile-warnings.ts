/** What a sample tells of a table that is worth a look. */
import { fewOf } from "../progress/quantities.ts";
import type { Config } from "../config/config.ts";
import { attributesOf } from "../schema/keys.ts";
import type { Table } from "../types.ts";
import type { TableProfile } from "./profile.ts";

/** A document this large is near MongoDB's limit of 16 MiB; DynamoDB's limit is 400 KB. */
const LARGE = 8 * 1024 * 1024;
/** What becomes an array. */
const ARRAYS = ["L", "SS", "NS", "BS"];

/** Sentences, each with the table's name. */
export function profileWarnings(config: Config, table: Table, profile: TableProfile): string[] {
  const isMongo = config["target.type"] !== "aliyun_dynamo_proxy";
  const looks = [lostDigits, ...(isMongo ? [odd, arrays, large] : []), mixed];
  return looks.flatMap((look) => look(config, table, profile) ?? []);
}

type Look = (config: Config, table: Table, profile: TableProfile) => string | undefined;

const lostDigits: Look = (config, { name }, { overflowed, items }) => {
  if (overflowed === 0) return undefined;
  const what =
    config["convert.type"] === "mchange"
      ? ["numbers that lose digits as doubles", "convert.type = mchange"]
      : [
          "numbers with more than 34 digits",
          `convert.number_overflow = ${config["convert.number_overflow"]}`,
        ];
  return `table ${name}: ${what[0]}, ${overflowed} in ${items} items: ${what[1]}`;
};

const odd: Look = (_, { name }, { attributes }) => {
  const names = attributes.map((each) => each.name).filter((each) => /^\$|\./.test(each));
  if (names.length === 0) return undefined;
  return `table ${name}: names with a dot or a leading $ (${fewOf(names)}) are kept, and MongoDB's queries reach them only by $getField`;
};

const arrays: Look = (config, table, { attributes }) => {
  if (config["convert.type"] === "raw" || !config["full.enable_index.user"]) return undefined;
  const indexed = new Set(table.secondary.flatMap(attributesOf).map(({ name }) => name));
  const found = attributes.filter(
    ({ name, types }) => indexed.has(name) && ARRAYS.some((type) => types[type] !== undefined),
  );
  if (found.length === 0) return undefined;
  return `table ${table.name}: ${fewOf(found.map(({ name }) => name))} has lists or sets, which a hashed index can't have: it becomes an ascending one, or is left out`;
};

const large: Look = (_, { name }, { largest }) => {
  const near = largest.find(({ storedBytes }) => storedBytes !== null && storedBytes >= LARGE);
  if (near === undefined) return undefined;
  return `table ${name}: a document of ${near.storedBytes} bytes is near MongoDB's limit of 16 MiB, key ${JSON.stringify(near.key)}`;
};

const mixed: Look = (_, { name }, { attributes }) => {
  const names = attributes.filter(({ isMixed }) => isMixed).map((each) => each.name);
  if (names.length === 0) return undefined;
  return `table ${name}: ${fewOf(names)} ${names.length === 1 ? "has" : "have"} values of several types`;
};
