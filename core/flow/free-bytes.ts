/** Memory that is given back at once: a collector that knows little of large buffers comes late, with hundreds of megabytes. */

/**
 * Frees the memory of bytes that nobody reads any more: they are empty then. Does nothing when others may have a part of it.
 *
 * @param bytes all of their buffer, or they stay as they are
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  const isWhole = byteLength > 0 && byteLength === buffer.byteLength;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
