/** What the plugin mask makes of a value. */
import { createHmac } from "node:crypto";
import type { AttributeValue, Item } from "../../../core/types.ts";
import { setField } from "../../../core/schema/set-field.ts";

/** Masks one value. */
export type Mask = (value: AttributeValue) => AttributeValue;

/**
 * Puts HMAC-SHA-256 hashes in the place of values: texts and numbers become its hex digits, binaries its 32 bytes.
 * Equal values of one type have equal hashes. BOOL and NULL stay.
 *
 * @param salt the HMAC's key, a secret
 */
export function hashing(salt: string): Mask {
  const hex = (text: string): string => createHmac("sha256", salt).update(text).digest("hex");
  const binary = (base64: string): string =>
    createHmac("sha256", salt).update(base64, "base64").digest("base64");

  return function hash(value: AttributeValue): AttributeValue {
    if (value.S !== undefined) return { S: hex(value.S) };
    if (value.N !== undefined) return { S: hex(value.N) };
    if (value.B !== undefined) return { B: binary(value.B) };
    if (value.SS !== undefined) return { SS: value.SS.map(hex) };
    if (value.NS !== undefined) return { SS: value.NS.map(hex) };
    if (value.BS !== undefined) return { BS: value.BS.map(binary) };
    if (value.L !== undefined) return { L: value.L.map(hash) };
    if (value.M === undefined) return value;
    const hashed: Item = {};
    for (const name in value.M) setField(hashed, name, hash(value.M[name]!));
    return { M: hashed };
  };
}

const REDACTED: AttributeValue[] = [
  { S: "***" },
  { N: "0" },
  { B: "" },
  { SS: ["***"] },
  { NS: ["0"] },
  { BS: [""] },
  { BOOL: false },
  { L: [] },
  { M: {} },
];

/** Puts the same value in the place of every value of a type; NULL stays. */
export const redact: Mask = (value) => {
  const [type] = Object.keys(value);
  const redacted = REDACTED.find((each) => Object.hasOwn(each, type!));
  return redacted === undefined ? value : structuredClone(redacted);
};
