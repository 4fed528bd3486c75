/** What the converters share: walking records, the `_id` rule, keys, and errors that name the item. */
import type { Config } from "../../core/config/config.ts";
import { derivesIds } from "../_bson/document-id.ts";
import { keyAttributes, targetNameOf } from "../../core/schema/keys.ts";
import type { Converter } from "../../core/plugin/roles.ts";
import type {
  AttributeValue,
  Item,
  KeyAttribute,
  SourceRecord,
  Table,
  TargetDocument,
} from "../../core/types.ts";
import type { Encoding } from "../_bson/encoding.ts";
import { setField } from "../../core/schema/set-field.ts";
import { unfit } from "../../core/schema/unfit.ts";
import { createChangeEncoder } from "./_changes.ts";
import { createTranscoder } from "./_transcoder.ts";

/** What one kind of conversion does differently. */
export interface Conversion extends Pick<Converter, "numbers"> {
  value: (value: AttributeValue) => unknown;
  /** Whether a key's number would lose digits, so that two keys could fall together. */
  losesDigits: (digits: string) => boolean;
  /** What comes behind a key attribute's name in its field path. */
  pathSuffix: (attribute: KeyAttribute) => string;
  /** The value a key field is found by. */
  keyValue: (value: AttributeValue) => unknown;
  /** Numbers not held exactly since the last call. */
  takeOverflowed: () => number;
  /** How the short way writes numbers; the rest of it follows from the configuration. */
  encoding: Pick<Encoding, "numbers" | "longNumber"> & { renamesNested: boolean };
}

/** How `_id` attributes are called at the target. */
export function idName(config: Config): string {
  return `${config["convert._id"]}_id`;
}

/**
 * A name inside a map, with the `_id` prefix.
 *
 * @throws RangeError when the map has an attribute of the prefixed name already
 */
export function prefixNested(config: Config): (name: string, siblings: Item) => string {
  const renamed = idName(config);
  return (name, siblings) => {
    if (name !== "_id" || renamed === "_id") return name;
    if (Object.hasOwn(siblings, renamed)) throw collision(renamed);
    return renamed;
  };
}

const KEY_TYPES = ["S", "N", "B"] as const;

/** Makes a converter of a conversion. */
export function createConverter(config: Config, conversion: Conversion): Converter {
  const renamed = idName(config);
  const fieldPath = (attribute: KeyAttribute): string =>
    (targetNameOf(attribute) === "_id" ? renamed : targetNameOf(attribute)) +
    conversion.pathSuffix(attribute);

  const converter: Converter = {
    ...(conversion.numbers && { numbers: conversion.numbers }),
    fieldPath,
    convert(records, table) {
      const attributes = keyAttributes(table);
      const idStays = keepsId(attributes);
      const paths = attributes.map(fieldPath);
      for (const record of records) {
        try {
          record.key = {};
          attributes.forEach((attribute, i) => {
            const { name } = attribute;
            const value = keyPart(record.keys, attribute, conversion.pathSuffix(attribute) !== "");
            if (value.N !== undefined && conversion.losesDigits(value.N)) {
              throw new RangeError(`the key attribute ${name} = ${value.N} would lose digits`);
            }
            setField(record.key!, paths[i]!, conversion.keyValue(value));
          });
          if (record.item !== undefined) record.document = document(record.item, idStays);
        } catch (error) {
          throw named(error, record, table);
        }
      }
      return { overflowed: conversion.takeOverflowed() };
    },
    transcoder(unit) {
      const encoding = encodingOf(unit.table);
      return createTranscoder(unit, encoding, conversion.takeOverflowed, () => converter);
    },
    changes({ table }) {
      // What is found by an `_id` made of the key is written in other statements.
      if (derivesIds(config)) return undefined;
      const paths = keyAttributes(table).map((attribute) => ({ attribute, path: fieldPath(attribute) }));
      return createChangeEncoder(encodingOf(table), paths, conversion.takeOverflowed);
    },
  };
  return converter;

  function encodingOf(table: Table): Encoding {
    const attributes = keyAttributes(table);
    const { renamesNested, ...numbers } = conversion.encoding;
    const idStays = keepsId(attributes);
    return {
      ...numbers,
      idName: { top: renamed, nested: renamesNested ? renamed : "_id" },
      keepsId: idStays,
      keys: attributes,
      ...(derivesIds(config) && !idStays && { derivesId: true }),
    };
  }

  /** Whether `_id` is the table's whole primary key and stays the document's. */
  function keepsId(attributes: KeyAttribute[]): boolean {
    return renamed === "_id" && attributes.length === 1 && targetNameOf(attributes[0]!) === "_id";
  }

  function document(item: Item, idStays: boolean): TargetDocument {
    const fields: TargetDocument = {};
    for (const name in item) {
      let field = name;
      if (name === "_id" && !idStays) {
        if (renamed === "_id") throw new IdConflict();
        if (Object.hasOwn(item, renamed)) throw collision(renamed);
        field = renamed;
      }
      setField(fields, field, conversion.value(item[name]!));
    }
    return fields;
  }
}

/**
 * A part of a record's key; a plugin may have given it another type than the table's.
 *
 * @param isTyped its document's field is named by that type
 */
function keyPart(keys: Item, { name, type }: KeyAttribute, isTyped: boolean): AttributeValue {
  const value = keys[name];
  const allowed = isTyped ? [type] : KEY_TYPES;
  if (!allowed.some((each) => value?.[each] !== undefined))
    throw new RangeError(`no key attribute ${name} of the type ${allowed.join(", ")}`);
  return value!;
}

/** An `_id` attribute that can't be the document's `_id`. */
class IdConflict extends RangeError {
  constructor() {
    super("the attribute _id is not the table's whole primary key, so it can't be the document's _id");
  }
}

function collision(name: string): RangeError {
  return new RangeError(`_id would be renamed to ${name}, which is there already`);
}

/** Names table and key; what is no complaint about the data passes through. */
function named(error: unknown, record: SourceRecord, table: Table): unknown {
  if (!(error instanceof RangeError)) return error;
  return unfit(error.message, record, table, {
    cause: error,
    ...(error instanceof IdConflict && {
      hint: "set convert._id to a prefix, for example convert._id = pre",
    }),
  });
}
