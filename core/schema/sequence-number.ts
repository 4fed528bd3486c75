/** The sequence numbers of a stream's records: decimal integers of any length, as text. */

/**
 * Compares two. Undefined is where nothing is read or applied yet: before every number.
 *
 * @returns negative: the first is before the other; 0: they are the same; positive: it is behind the other
 */
export function compareSequence(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0;
  if (one === undefined) return -1;
  if (other === undefined) return 1;
  // Of one length, as they usually are, they compare as text.
  if (one.length === other.length) return one < other ? -1 : 1;
  // DynamoDB Local pads them with zeros.
  const [first, second] = [BigInt(one), BigInt(other)];
  return first === second ? 0 : first < second ? -1 : 1;
}
