/**
 * A TCP proxy before a real mongod. It can lose a chosen answer after the server has executed the command, hold
 * answers back for ever, give answers of its own, and refuse connections for a time.
 */
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Document } from "mongodb";
import { answerTo, commandNameOf, commandOf, insteadOf, onMessages } from "./mongo-wire.ts";

/** What becomes of a command and its answer. */
export type Fate =
  /** Both are passed on. */
  | "pass"
  /** It is executed; the answer is lost together with its connection. */
  | "lose"
  /** It is executed; the answer is never sent. */
  | "hold"
  /** The server doesn't get it, and its connection is gone. */
  | "cut"
  /** The server doesn't get it, and nobody answers. */
  | "ignore"
  /** It is answered in the server's place, which doesn't get it. */
  | { answered: Document }
  /** It is executed; what is told is made of the server's answer. */
  | { told: (answer: Document) => Document };

/** What {@link startMongoProxy} takes. */
export interface MongoProxyOptions {
  /** Decides about the nth (from 1) command of that name; `read` gives it whole. */
  fate?: (command: string, number: number, read: () => Document) => Fate;
  /** Decides again when the server has answered, about what would be passed on. */
  afterwards?: (command: string) => Fate;
  /** An answer is passed on when this resolves. */
  until?: (command: string) => Promise<void> | undefined;
  /** Answers a command in the server's place; undefined: the server does. */
  answer?: (command: Document, name: string) => Document | undefined;
  /** What follows the address in the connection string. Default `?directConnection=true`. */
  uriOptions?: string;
}

/** A running proxy. */
export interface MongoProxy extends AsyncDisposable {
  /** To be used in the place of the server's. */
  uri: string;
  /** How often a command of that name came through. */
  count(command: string): number;
  /** How many answers were lost. */
  readonly lost: number;
  /** How many commands the server has that aren't answered. */
  readonly pending: number;
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
  let pending = 0;

  function serve(client: Socket): void {
    const server = connect(Number(port), hostname);
    const asked = new Map<number, { name: string; fate: Fate }>();
    const waits = new Map<number, Promise<void>>();
    const cut = (): void => {
      client.destroy();
      server.destroy();
      pending -= asked.size;
      asked.clear();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    onMessages(client, (message) => {
      const name = commandNameOf(message);
      if (name === undefined) return void server.write(message);
      const number = (counts.get(name) ?? 0) + 1;
      counts.set(name, number);
      const request = message.readInt32LE(4);
      const fate = options.fate?.(name, number, () => commandOf(message)) ?? "pass";
      if (fate === "cut") return cut();
      if (fate === "ignore") return;
      if (typeof fate === "object" && "answered" in fate)
        return void client.write(answerTo(message, fate.answered));
      asked.set(request, { name, fate });
      pending++;
      const wait = options.until?.(name);
      if (wait !== undefined) waits.set(request, wait);
      const own = options.answer?.(commandOf(message), name);
      if (own === undefined) server.write(message);
      else answered(answerTo(message, own));
    });
    onMessages(server, answered);

    function answered(message: Buffer): void {
      const request = message.readInt32LE(8);
      const { name = "", fate: decided = "pass" } = asked.get(request) ?? {};
      const fate = decided === "pass" ? (options.afterwards?.(name) ?? "pass") : decided;
      const wait = waits.get(request);
      if (asked.delete(request)) pending--;
      waits.delete(request);
      if (fate === "lose") {
        lost++;
        cut();
      } else if (fate !== "hold") {
        const tells = typeof fate === "object" && "told" in fate;
        const sent = tells ? insteadOf(message, fate.told(commandOf(message))) : message;
        if (wait === undefined) client.write(sent);
        else void wait.then(() => client.write(sent));
      }
    }
  }

  let listening = await listen(serve, 0);
  const ownPort = (listening.address() as AddressInfo).port;
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => listening.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    uri: `mongodb://127.0.0.1:${ownPort}/${options.uriOptions ?? "?directConnection=true"}`,
    count: (command) => counts.get(command) ?? 0,
    get lost() {
      return lost;
    },
    get pending() {
      return pending;
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
