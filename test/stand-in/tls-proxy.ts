/** TLS before a server that speaks none: what comes in is handed on as it is. */
import { connect, type AddressInfo, type Socket } from "node:net";
import { createServer } from "node:tls";
import type { Certificate } from "../servers/certificates.ts";

/** A proxy that listens. */
export interface TlsProxy extends AsyncDisposable {
  port: number;
}

/**
 * Starts one on a free port of 127.0.0.1.
 *
 * @param behind the server's address; its host and port count
 */
export async function startTlsProxy(behind: string, certificate: Certificate): Promise<TlsProxy> {
  const { hostname, port } = new URL(behind);
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (client) => {
    const forwarded = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, forwarded],
      [forwarded, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  // Who refuses the certificate hangs up.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
