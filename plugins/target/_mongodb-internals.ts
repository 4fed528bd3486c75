/** The one part of the driver used here that it keeps to itself; a test sees whether it is still there. */
import { BSON } from "mongodb";

/** The driver's carrier of documents that are BSON already. */
interface Sequence {
  push(document: object, bytes: Uint8Array): number;
}
type SequenceClass = new (field: string) => Sequence;

// @ts-expect-error: the driver declares no types for its internals
const commands = (await import("mongodb/lib/cmap/commands.js").catch(() => ({}))) as {
  DocumentSequence?: SequenceClass;
};

/** Whether the driver sends encoded documents as they are, at a quarter of the CPU. */
export const sendsEncoded: boolean = commands.DocumentSequence !== undefined;

/**
 * Encoded documents as a command's field: as they are, or decoded for a driver that has changed.
 *
 * @param bytes documents one behind the other
 */
export function encodedDocuments(field: string, bytes: Uint8Array, direct: boolean = sendsEncoded): unknown {
  if (!direct) return decoded(bytes);
  const sequence = new commands.DocumentSequence!(field);
  sequence.push({}, bytes);
  return sequence;
}

function decoded(bytes: Uint8Array): object[] {
  const documents: object[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const end = at + view.getInt32(at, true);
    documents.push(BSON.deserialize(bytes.subarray(at, end), { promoteValues: false }));
    at = end;
  }
  return documents;
}
