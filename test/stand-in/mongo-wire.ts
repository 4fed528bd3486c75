/** MongoDB's wire protocol as far as the stand-ins need it: OP_MSG, and the OP_QUERY of a driver's first hello. */
import { BSON } from "mongodb";
import type { Document } from "mongodb";
import type { Socket } from "node:net";

/** Length, request, answered request, opcode. */
export const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
/** Flag bits. */
const OP_MSG_FLAGS = 4;
const CHECKSUM_PRESENT = 1;
const CHECKSUM_BYTES = 4;
/** Documents that belong to a field, one behind the other. */
const SEQUENCE = 1;
/** Flags, the cursor's id, where it begins, and how many documents follow. */
const OP_REPLY_FIELDS = 4 + 8 + 4 + 4;
const ONE_DOCUMENT = 4 + 8 + 4;

/** The name of a message's command, the first field of its document; undefined for other messages. */
export function commandNameOf(message: Buffer): string | undefined {
  const start = bodyStart(message);
  if (start === undefined) return undefined;
  const name = start + 4 + 1;
  return message.toString("latin1", name, message.indexOf(0, name));
}

/** A message's command with all its documents; BSON types are kept. */
export function commandOf(message: Buffer): Document {
  const start = bodyStart(message)!;
  const command = documentAt(message, start);
  if (message.readInt32LE(12) === OP_QUERY) return command;
  const flags = message.readInt32LE(HEADER_BYTES);
  const end = message.length - (flags & CHECKSUM_PRESENT ? CHECKSUM_BYTES : 0);
  for (let at = start + message.readInt32LE(start); at < end;) {
    if (message[at] !== SEQUENCE) throw new Error(`a section of kind ${message[at]}`);
    const sectionEnd = at + 1 + message.readInt32LE(at + 1);
    const nameEnd = message.indexOf(0, at + 5);
    const documents: Document[] = [];
    for (let doc = nameEnd + 1; doc < sectionEnd; doc += message.readInt32LE(doc)) {
      documents.push(documentAt(message, doc));
    }
    command[message.toString("utf8", at + 5, nameEnd)] = documents;
    at = sectionEnd;
  }
  return command;
}

/** A message that answers this one. */
export function answerTo(message: Buffer, answer: Document): Buffer {
  return reply(message.readInt32LE(4), message.readInt32LE(12) === OP_QUERY, answer);
}

/** A message to the one who waits for this answer, with another one. */
export function insteadOf(message: Buffer, answer: Document): Buffer {
  return reply(message.readInt32LE(8), message.readInt32LE(12) === OP_REPLY, answer);
}

function reply(request: number, legacy: boolean, answer: Document): Buffer {
  const body = BSON.serialize(answer);
  const fields = Buffer.alloc(legacy ? OP_REPLY_FIELDS : OP_MSG_FLAGS + 1);
  if (legacy) fields.writeInt32LE(1, ONE_DOCUMENT);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + fields.length + body.length, 0);
  header.writeInt32LE(request, 8);
  header.writeInt32LE(legacy ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, fields, body]);
}

/** Where a message's first document begins. */
function bodyStart(message: Buffer): number | undefined {
  const opcode = message.readInt32LE(12);
  const section = HEADER_BYTES + OP_MSG_FLAGS;
  if (opcode === OP_MSG && message[section] === 0) return section + 1;
  // Flags, the collection's name, and how many documents to leave out and to give.
  if (opcode === OP_QUERY) return message.indexOf(0, section) + 1 + 4 + 4;
  return undefined;
}

function documentAt(message: Buffer, at: number): Document {
  const bytes = message.subarray(at, at + message.readInt32LE(at));
  return BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
}

/** Hands on whole messages of the wire protocol; each begins with its length. */
export function onMessages(socket: Socket, handle: (message: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (data: Buffer) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    while (pending.length >= HEADER_BYTES && pending.length >= pending.readInt32LE(0)) {
      const length = pending.readInt32LE(0);
      handle(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  });
}
