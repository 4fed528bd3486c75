/** A proxy for any protocol on a port of its own: connections are cut, slow, silent, refused, or lose their answers. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { couple } from "../servers/couple.ts";

const SECOND = 1000;

/** What becomes of what comes. */
export type Mode =
  | { kind: "pass" }
  /** Every piece of either direction comes so much later. */
  | { kind: "delay"; ms: number }
  /** So many bytes a second, for each direction of a connection. */
  | { kind: "slow"; bytesPerSecond: number }
  /** Connections stay, new ones are taken, and nothing passes; what came meanwhile passes later. */
  | { kind: "silent" }
  /** Requests pass, and a connection is cut in the place of its first answer. */
  | { kind: "lose" }
  /** Connections are cut, and new ones refused. */
  | { kind: "refuse" };

/** A running proxy. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** From now on. */
  set(mode: Mode): Promise<void>;
  /** Cuts all connections, once. */
  cut(): void;
}

/** Starts one before a port of 127.0.0.1. */
export async function startTcpProxy(to: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let mode: Mode = { kind: "pass" };
  let changed = Promise.withResolvers<void>();

  /** Resolves when a piece may pass; false: its connection is cut. */
  async function passes(length: number, isAnswer: boolean): Promise<boolean> {
    while (mode.kind === "silent") await changed.promise;
    if (mode.kind === "delay") await Promise.race([sleep(mode.ms), changed.promise]);
    if (mode.kind === "slow")
      await Promise.race([sleep((length / mode.bytesPerSecond) * SECOND), changed.promise]);
    return !(mode.kind === "refuse" || (mode.kind === "lose" && isAnswer));
  }

  function serve(client: Socket): void {
    const server = connect(to, "127.0.0.1");
    const cut = couple([client, server], sockets);
    const hand = (from: Socket, into: Socket): void => {
      // piece by piece: nobody has more in memory than one
      from.on("data", (piece: Buffer) => {
        from.pause();
        void handOn(piece);
      });
      async function handOn(piece: Buffer): Promise<void> {
        if (await passes(piece.length, from === server)) into.write(piece, () => from.resume());
        else cut();
      }
      from.on("end", () => into.end());
    };
    hand(client, server);
    hand(server, client);
  }

  let listening: Server | undefined = await listen(serve, 0);
  const { port } = listening.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  async function close(): Promise<void> {
    const closing = listening;
    listening = undefined;
    const closed = new Promise((resolve) => (closing === undefined ? resolve(0) : closing.close(resolve)));
    cut();
    await closed;
  }
  return {
    port,
    cut,
    async set(next) {
      mode = next;
      changed.resolve();
      changed = Promise.withResolvers();
      if (mode.kind === "refuse") await close();
      else listening ??= await listen(serve, port);
    },
    [Symbol.asyncDispose]: async () => {
      mode = { kind: "refuse" };
      changed.resolve();
      await close();
    },
  };
}

function listen(serve: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, serve);
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}
