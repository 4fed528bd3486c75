/**
 * A wire of so many milliseconds there and back: `bun bench/latency.ts --to=127.0.0.1:27017 --rtt=100` hands on what comes to its
 * port, in order and at any rate, each piece half of that later. It prints its address and ends when its standard input does.
 */
import { connect, createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: { to: { type: "string", default: "" }, rtt: { type: "string", default: "100" } },
});
const { hostname, port } = new URL(`tcp://${flags.to}`);
const rtt = Number(flags.rtt);

/** Hands everything on, and the end of it, so much later; `extra` is for what comes before it, once. */
function delayed(from: Socket, to: Socket, ms: number, extra: number): void {
  const opened = performance.now() + extra;
  const queue: { due: number; bytes: Buffer | undefined }[] = [];
  const isDue = (): boolean => queue[0] !== undefined && queue[0].due <= performance.now();
  const send = (): void => {
    for (; isDue(); queue.shift()) {
      const { bytes } = queue[0]!;
      if (bytes === undefined) to.end();
      else to.write(bytes);
    }
    if (queue[0] !== undefined) setTimeout(send, Math.max(1, queue[0].due - performance.now()));
  };
  const put = (bytes: Buffer | undefined): void => {
    queue.push({ due: Math.max(performance.now(), opened) + ms, bytes });
    if (queue.length === 1) setTimeout(send, Math.max(1, queue[0]!.due - performance.now()));
  };
  from.on("data", put);
  from.on("end", () => put(undefined));
  from.on("error", () => to.destroy());
  from.on("close", () => put(undefined));
}

// a terminal's Ctrl-C reaches this process too; it ends with its parent, after the tool
process.on("SIGINT", () => {});
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const behind = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
  // the first bytes of a connection come behind its handshake
  delayed(client, behind, rtt / 2, rtt);
  delayed(behind, client, rtt / 2, 0);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
});
for await (const _ of process.stdin);
process.exit();
