/** The bytes that DynamoDB's JSON has in base64. */

/**
 * Reads them. Node's reader leaves out what is no base64, and ends where it likes: what it gives has to have the length
 * that the text says.
 *
 * @throws RangeError when it is no base64 with its padding
 */
export function binaryOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  if (base64.length % 4 !== 0 || bytes.length !== (base64.length / 4) * 3 - padding) {
    throw new RangeError("a binary that is no base64");
  }
  return bytes;
}
