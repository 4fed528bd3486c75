/**
 * A TCP proxy before a real mongod. It can lose a chosen answer after the server has executed the command, hold
 * answers back for ever, and refuse connections for a time.
 */
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

const HEADER_BYTES = 16;
const OP_MSG = 2013;
/** Header, flag bits, and the kind of the first section. */
const OP_MSG_DOCUMENT = HEADER_BYTES + 4 + 1;

/** What becomes of an answer: it is passed on, or lost together with its connection, or never sent. */
export type Fate = "pass" | "lose" | "hold";

/** What {@link startMongoProxy} takes. */
export interface MongoProxyOptions {
  /** Decides about the answer to the nth (from 1) command of that name. */
  fate?: (command: string, number: number) => Fate;
}

/** A running proxy. */
export interface MongoProxy extends AsyncDisposable {
  /** To be used in the place of the server's. */
  uri: string;
  /** How often a command of that name came through. */
  count(command: string): number;
  /** How many answers were lost. */
  readonly lost: number;
  /** Cuts all connections and takes no new ones until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1 before the first server of `serverUri`. */
export async function startMongoProxy(
  serverUri: string,
  options: MongoProxyOptions = {},
): Promise<MongoProxy> {
  const { hostname, port } = new URL(serverUri);
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  let lost = 0;

  function serve(client: Socket): void {
    const server = connect(Number(port), hostname);
    const fates = new Map<number, Fate>();
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    onMessages(client, (message) => {
      const command = commandOf(message);
      if (command !== undefined) {
        const number = (counts.get(command) ?? 0) + 1;
        counts.set(command, number);
        fates.set(message.readInt32LE(4), options.fate?.(command, number) ?? "pass");
      }
      server.write(message);
    });
    onMessages(server, (message) => {
      const answered = message.readInt32LE(8);
      const fate = fates.get(answered) ?? "pass";
      fates.delete(answered);
      if (fate === "pass") client.write(message);
      if (fate !== "lose") return;
      lost++;
      cut();
    });
  }

  let listening = await listen(serve, 0);
  const ownPort = (listening.address() as AddressInfo).port;
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => listening.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    uri: `mongodb://127.0.0.1:${ownPort}/?directConnection=true`,
    count: (command) => counts.get(command) ?? 0,
    get lost() {
      return lost;
    },
    refuse,
    async accept() {
      listening = await listen(serve, ownPort);
    },
    [Symbol.asyncDispose]: refuse,
  };
}

function listen(serve: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer(serve);
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** Hands on whole messages of the wire protocol; each begins with its length. */
function onMessages(socket: Socket, handle: (message: Buffer) => void): void {
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

/** The name of a message's command: the first field of its document. */
function commandOf(message: Buffer): string | undefined {
  if (message.readInt32LE(12) !== OP_MSG || message[OP_MSG_DOCUMENT - 1] !== 0) return undefined;
  const name = OP_MSG_DOCUMENT + 4 + 1;
  return message.toString("latin1", name, message.indexOf(0, name));
}
