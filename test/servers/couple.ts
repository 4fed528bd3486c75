/** Both ends of a connection that somebody stands between. */
import type { Socket } from "node:net";

/**
 * Couples two sockets: what closes or breaks one closes the other. Both are among the open ones until then.
 *
 * @returns what closes both
 */
export function couple(pair: readonly [Socket, Socket], open: Set<Socket>): () => void {
  const cut = (): void => {
    for (const socket of pair) socket.destroy();
  };
  for (const socket of pair) {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on("error", cut).on("close", () => {
      open.delete(socket);
      cut();
    });
  }
  return cut;
}
