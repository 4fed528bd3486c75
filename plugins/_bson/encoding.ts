/** How values are written. */
import type { KeyAttribute } from "../../core/types.ts";

/** See the top of the file. */
export interface Encoding {
  /** `exact`: int32, int64, Decimal128; `double`; `typed`: DynamoDB's own form. */
  numbers: "exact" | "double" | "typed";
  /** What becomes of a number of more than 15 digits; also counts those not held exactly. */
  longNumber: (digits: string) => unknown;
  /** What `_id` is called at the top level and further in. */
  idName: { top: string; nested: string };
  /** Whether `_id` stays the document's `_id`. */
  keepsId: boolean;
  /** The key's attributes, partition key first; numbers of more than 15 digits in them are left to the way of objects. */
  keys: Pick<KeyAttribute, "name" | "type">[];
  /** The key's values make the `_id`. Absent: it is made up. */
  derivesId?: true;
  /** The documents replace others, which keep their `_id`: none is made up. */
  bare?: true;
}
