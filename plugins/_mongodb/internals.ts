/**
 * The parts of the driver used here that it keeps to itself; a test sees whether they are still there.
 *
 * ```
 *  a message   │ header, command │ kind, length, field │ documents, encoded already │
 *  is sent as  └──────────────── front ────────────────┘└────────── bytes ─────────┘
 * ```
 *
 * The driver alone would copy the documents twice, to join them with what stands in front of them.
 */
import { BSON, type Document, type MongoClientOptions, MongoNetworkError } from "mongodb";
import type { Socket } from "node:net";

/** The driver's carrier of documents that are BSON already. */
interface Sequence {
  /** What is sent in front of the documents: kind, length, field. */
  header: Uint8Array;
  push(document: object, bytes: Uint8Array): number;
  toBin(): Uint8Array;
}
type SequenceClass = new (field: string) => Sequence;

/** A message as the driver sends it. */
interface Message {
  command?: Record<string, unknown>;
  toBin(): Uint8Array[] | Promise<Uint8Array[]>;
}

/** The driver's connection. */
interface Wire {
  readonly socket: Socket;
  /** How the server has greeted; missing: it hasn't yet. */
  readonly hello?: Document | null;
  /** Resolves when the socket has room again. */
  writeCommand(message: Message, options: { agreedCompressor?: string }): Promise<void>;
}
// A mixin's constructor has to take anything.
type WireClass = new (...args: ConstructorParameters<new (...of: never[]) => unknown>) => Wire;

const { DocumentSequence } = (await import("mongodb/lib/cmap/commands.js").catch(() => ({}))) as {
  DocumentSequence?: SequenceClass;
};
const { Connection } = (await import("mongodb/lib/cmap/connection.js").catch(() => ({}))) as {
  Connection?: WireClass;
};

/** Whether the driver sends encoded documents as they are, at a quarter of the CPU. */
export const sendsEncoded: boolean = DocumentSequence !== undefined;
/** Whether they may be sent without being copied. */
export const sendsUnjoined: boolean = typeof Connection?.prototype.writeCommand === "function";

/** The documents of sequences that are to be sent unjoined. */
const bodies = new WeakMap<object, Uint8Array>();

/**
 * A client's options with which {@link encodedDocuments} are sent without being copied, and a connection that is cut while
 * something is written fails that: the driver alone (7.9 on Bun 1.4.5) waits for room in it for ever.
 *
 * @param onClosed told when one is closed through which commands were sent, with how its server had greeted
 */
export function connections(onClosed?: (greeting: Document) => void): MongoClientOptions {
  if (!sendsUnjoined) return {};
  class Unjoined extends Connection! {
    #isWatched = false;

    override async writeCommand(message: Message, options: { agreedCompressor?: string }): Promise<void> {
      if (!this.#isWatched && this.hello) {
        this.#isWatched = true;
        const greeting = this.hello;
        if (this.socket.destroyed) onClosed?.(greeting);
        else this.socket.once("close", () => onClosed?.(greeting));
      }
      await whileOpen(this.socket, this.#write(message, options));
    }

    async #write(message: Message, options: { agreedCompressor?: string }): Promise<void> {
      const body = options.agreedCompressor === "none" ? takeBody(message) : undefined;
      if (body === undefined) return super.writeCommand(message, options);
      const front = Buffer.concat(await message.toBin());
      front.writeInt32LE(front.length + body.length, 0);
      await super.writeCommand({ toBin: () => [front] }, options);
      // Nothing more, but to wait for room in the socket as the driver does.
      if (!this.socket.write(body)) await super.writeCommand({ toBin: () => [] }, options);
    }
  }
  return { connectionType: Unjoined } as MongoClientOptions;
}

/** Waits for a write as long as its socket is open. */
async function whileOpen(socket: Socket, write: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(new MongoNetworkError("the connection was closed while it was written to"));
  if (socket.destroyed) fail();
  else socket.once("close", fail);
  try {
    await Promise.race([write, promise]);
  } finally {
    socket.off("close", fail);
  }
}

/** Takes the documents out of a message: the header of theirs stays. */
function takeBody({ command }: Message): Uint8Array | undefined {
  for (const name in command) {
    const body = bodies.get(command[name] as object);
    if (body === undefined) continue;
    const sequence = command[name] as Sequence;
    sequence.toBin = () => sequence.header;
    return body;
  }
  return undefined;
}

/**
 * Encoded documents as part of a command: as they are, or decoded for a driver that has changed. One such part a command.
 *
 * @param bytes documents one behind the other
 */
export function encodedDocuments(
  field: string,
  bytes: Uint8Array,
  direct: boolean = sendsEncoded,
): Record<string, unknown> {
  if (!direct) return { [field]: decoded(bytes) };
  const sequence = new DocumentSequence!(field);
  sequence.push({}, bytes);
  bodies.set(sequence, bytes);
  return { [field]: sequence };
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
