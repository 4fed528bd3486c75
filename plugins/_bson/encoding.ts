/** How values are written. */
export interface Encoding {
  /** `exact`: int32, int64, Decimal128; `double`; `typed`: DynamoDB's own form. */
  numbers: "exact" | "double" | "typed";
  /** What becomes of a number of more than 15 digits; also counts those not held exactly. */
  longNumber: (digits: string) => unknown;
  /** What `_id` is called at the top level and further in. */
  idName: { top: string; nested: string };
  /** Whether `_id` stays the document's `_id`. */
  keepsId: boolean;
  /** Names of key attributes with numbers: those of more than 15 digits are left to the way of objects. */
  numberKeys: string[];
  /** Names of the key attributes, partition key first, whose values make the `_id`. Absent: it is made up. */
  idKeys?: string[];
  /** The documents replace others, which keep their `_id`: none is made up. */
  bare?: true;
}
