/** The one part of the driver used here that it keeps to itself; a test sees whether it is still there. */
import { BSON } from "mongodb";

/** The driver's carrier of documents that are BSON already. */
interface Sequence {
  /** What is sent in front of the documents: kind, length, field. */
  header: Uint8Array;
  push(document: object, bytes: Uint8Array): number;
  toBin(): Uint8Array;
}
type SequenceClass = new (field: string) => Sequence;

const commands = (await import("mongodb/lib/cmap/commands.js").catch(() => ({}))) as {
  DocumentSequence?: SequenceClass;
};

/** Whether the driver sends encoded documents as they are, at a quarter of the CPU. */
export const sendsEncoded: boolean = commands.DocumentSequence !== undefined;

/**
 * Encoded documents as part of a command: as they are, or decoded for a driver that has changed.
 *
 * The driver joins the bytes of all sequences in a command. Two of them, one that gives the header and one
 * that gives the documents, spare the copy that one alone would make of both.
 *
 * @param bytes documents one behind the other
 */
export function encodedDocuments(
  field: string,
  bytes: Uint8Array,
  direct: boolean = sendsEncoded,
): Record<string, unknown> {
  if (!direct) return { [field]: decoded(bytes) };
  const head = new commands.DocumentSequence!(field);
  head.push({}, bytes);
  head.toBin = () => head.header;
  const body = new commands.DocumentSequence!(field);
  body.toBin = () => bytes;
  return { [field]: head, [`${field}Body`]: body };
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
