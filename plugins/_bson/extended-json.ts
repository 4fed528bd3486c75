/** Values from canonical Extended JSON and back, whatever their fields are called. */
import { BSON } from "mongodb";
import type { StoredValue } from "../../core/plugin/stored.ts";
import { setField } from "../../core/schema/set-field.ts";
import type { TargetDocument } from "../../core/types.ts";

/** A value as canonical Extended JSON. */
export function extendedJson({ fields, items, value }: StoredValue): unknown {
  if (items !== undefined) return items.map(extendedJson);
  if (fields === undefined) return value;
  const json: TargetDocument = {};
  for (const [name, each] of fields) setField(json, name, extendedJson(each));
  return json;
}

/** The value that Extended JSON stands for, as the driver writes it. */
export function fromExtendedJson(json: unknown): unknown {
  return withMaps(BSON.EJSON.parse(JSON.stringify(json), { relaxed: false }));
}

/** Objects as maps: the driver would read a field called _bsontype as an instruction. */
function withMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMaps);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return new Map(Object.entries(value).map(([name, each]) => [name, withMaps(each)]));
}
