/** Bytes as a number: the same for the same ones, and for others with near certainty another. */
import xxhash from "xxhash-wasm";

const { h64Raw } = await xxhash();

/** xxHash64; `seed`: what came before. */
export const hash64: (bytes: Uint8Array, seed?: bigint) => bigint = h64Raw;
