/** What every conversion's test does: convert items, encode them for real, read the bytes strictly. */
import { BSON } from "mongodb";
import { createDocumentWriter } from "../../../plugins/_bson/document-writer.ts";
import type { Plugin } from "../../../core/plugin/plugin.ts";
import type { Converter } from "../../../core/plugin/roles.ts";
import type { Item, SourceRecord, Table } from "../../../core/types.ts";
import { type Field, readDocument } from "../../fakes/bson-types.ts";
import { scanned, setUpConverter, testTable } from "../../fakes/context.ts";

/** An item from JSON text's own fields: `{ __proto__: … }` in source code would be no field. */
export function itemOf(entries: [name: string, value: Item[string]][]): Item {
  const item: Item = {};
  for (const [name, value] of entries) {
    Object.defineProperty(item, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return item;
}

/** A record's document in bytes, as the target encodes it. */
export function encode(converter: Converter, record: SourceRecord): Uint8Array {
  const writer = createDocumentWriter({ doubles: converter.numbers === "double", addId: false });
  writer.append(record.document!);
  return writer.bytes();
}

/** Converts one item. */
export async function converted(
  plugin: Plugin,
  item: Item,
  { table = testTable("pk"), settings = {} }: { table?: Table; settings?: Record<string, string> } = {},
): Promise<{
  fields: Field[];
  bytes: Uint8Array;
  record: SourceRecord;
  overflowed: number;
  converter: Converter;
}> {
  const converter = await setUpConverter(plugin, settings);
  const record = scanned(item, table);
  const { overflowed } = converter.convert([record], table);
  const bytes = encode(converter, record);
  return { fields: readDocument(bytes), bytes, record, overflowed, converter };
}

/** The driver's bytes of fields, by way of maps, which hide no name from it. */
export function driverBytes(fields: Field[]): Uint8Array {
  return BSON.serialize(driverMap(fields) as unknown as BSON.Document);
}

function driverMap(fields: Field[]): Map<string, unknown> {
  return new Map(fields.map(([name, type, value]) => [name, driverValue(type, value)]));
}

function driverValue(type: string, value: unknown): unknown {
  switch (type) {
    case "document":
      return driverMap(value as Field[]);
    case "array":
      return (value as [string, unknown][]).map(([type, value]) => driverValue(type, value));
    case "int32":
      return new BSON.Int32(value as number);
    case "int64":
      return BSON.Long.fromBigInt(value as bigint);
    case "double":
      return new BSON.Double(value as number);
    case "decimal128":
      return BSON.Decimal128.fromString(value as string);
    case "binary 0":
      return new BSON.Binary(Buffer.from(value as string, "hex"));
    default:
      return value;
  }
}
