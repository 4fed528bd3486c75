/** What the service takes as a key. A call with any other value fails as a whole. */
import type { AttributeValue } from "../../core/types.ts";

/** The longest keys, in bytes. */
export const PARTITION_BYTES = 2048;
export const SORT_BYTES = 1024;

/** A key attribute's size as the service counts it; numbers are always short enough. */
export function keyBytes({ S, B }: AttributeValue = {}): number {
  return Buffer.byteLength(S ?? "") + Buffer.byteLength(B ?? "", "base64");
}
