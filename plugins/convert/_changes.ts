/** The short way of a shard's changes: keys and new images in the service's JSON become filters and documents in BSON. */
import type { Encoding } from "../_bson/encoding.ts";
import { createItemEncoder } from "../_bson/item-encoder.ts";
import { Unexpected } from "../_bson/json-cursor.ts";
import { createKeyEncoder, type KeyPath } from "../_bson/key-encoder.ts";
import type { ChangeEncoder, EncodedChange } from "../../core/plugin/changes.ts";
import type { RawChange } from "../../core/types.ts";

/** A quiet shard's page has few changes. */
const FIRST_SIZE = 16 * 1024;
const NOTHING = new Uint8Array();

/**
 * Encodes pages of changes.
 *
 * @param takeOverflowed numbers not held exactly since the last call
 */
export function createChangeEncoder(
  encoding: Encoding,
  paths: readonly KeyPath[],
  takeOverflowed: () => number,
): ChangeEncoder {
  const encoder = createItemEncoder({ ...encoding, bare: true }, FIRST_SIZE);
  const keyOf = createKeyEncoder(paths, encoding.numbers);

  function encodeOne(raw: RawChange): EncodedChange {
    const { event, replayed, body, keysAt, imageAt } = raw;
    const key = keyOf(body, keysAt);
    const start = encoder.length;
    if (imageAt >= 0) encoder.append(body, imageAt);
    return { event, replayed, key, bytes: NOTHING, start, end: encoder.length, raw };
  }

  return {
    encode(changes) {
      try {
        const encoded = changes.map(encodeOne);
        const { bytes, release } = encoder.take(encoder.length);
        for (const change of encoded) change.bytes = bytes;
        return { changes: encoded, overflowed: takeOverflowed(), release };
      } catch (error) {
        encoder.truncate(0);
        takeOverflowed();
        if (error instanceof Unexpected || error instanceof RangeError || error instanceof SyntaxError) {
          return undefined;
        }
        throw error;
      }
    },
  };
}
