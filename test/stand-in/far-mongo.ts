/**
 * A mongod that is far away: a TCP proxy that gives each answer so much later, as a new connection its first one, and tells
 * which command has waited for how many round trips before it.
 *
 * ```
 *  round trip   1          2        3        4
 *               connect    hello    find     insert      one after the other
 *                                   find                 side by side: the same one
 * ```
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Document } from "mongodb";
import { couple } from "../servers/couple.ts";
import { commandNameOf, commandOf, onMessages } from "./mongo-wire.ts";

/** A command that has come. */
export interface FarCommand {
  name: string;
  /** On which connection, from 1. */
  connection: number;
  /** The round trip it is part of, from 1. */
  trip: number;
  /** When it came, in ms since the first connection. */
  at: number;
  command: Document;
}

/** A running proxy. */
export interface FarMongo extends AsyncDisposable {
  /** To be used in the place of the server's. */
  uri: string;
  /** What has come, in its order; the driver's looks at the server's state aren't there. */
  commands: readonly FarCommand[];
}

/** Names of greetings, and of what is asked for to watch the server. */
const GREETINGS = new Set(["hello", "ismaster", "isMaster"]);

/**
 * Starts one on a free port of 127.0.0.1 before the first server of `serverUri`.
 *
 * @param rtt of a round trip, in ms; far more than the process needs to say what comes next
 * @param isAside whether nobody waits for a command: it isn't told, and counts for none behind it; default: no
 */
export async function startFarMongo(
  serverUri: string,
  rtt: number,
  isAside: (name: string, command: Document) => boolean = () => false,
): Promise<FarMongo> {
  const { hostname, port } = new URL(serverUri);
  const sockets = new Set<Socket>();
  const commands: FarCommand[] = [];
  /** The last round trip whose answer is there. */
  let done = 0;
  let began: number | undefined;
  let connections = 0;

  function serve(client: Socket): void {
    began ??= performance.now();
    const connection = ++connections;
    const server = connect(Number(port), hostname);
    const opensAt = performance.now() + rtt;
    /** The last round trip of this connection whose answer is there, or under way. */
    let own = done + 1;
    let isMonitor = false;
    let greetings = 0;
    const asked = new Map<number, number>();
    couple([client, server], sockets);
    onMessages(client, (message) => {
      const name = commandNameOf(message);
      const request = message.readInt32LE(4);
      if (name !== undefined) {
        const isGreeting = GREETINGS.has(name);
        if (isGreeting && greetings++ > 0) isMonitor = true;
        const trip = Math.max(done, own) + 1;
        const command = commandOf(message);
        if (!isMonitor && !isAside(name, command)) {
          asked.set(request, trip);
          commands.push({ name, connection, trip, at: performance.now() - began!, command });
        }
      }
      const late = Math.max(0, opensAt - performance.now());
      setTimeout(() => server.write(message), late);
    });
    onMessages(server, (message) => {
      const trip = asked.get(message.readInt32LE(8));
      setTimeout(() => {
        if (trip !== undefined) {
          own = Math.max(own, trip);
          done = Math.max(done, trip);
        }
        client.write(message);
      }, rtt);
    });
  }

  const listening = createServer(serve);
  await new Promise<void>((resolve, reject) => {
    listening.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    uri: `mongodb://127.0.0.1:${(listening.address() as AddressInfo).port}/?directConnection=true`,
    commands,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => listening.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
