/** Connections that are opened when they are first asked for, and never again once they were closed. */
import type { Connections } from "./client.ts";

/** See the top of the file. */
export interface Lazy {
  /** Undefined: nobody has asked for them yet, or they are closed. */
  readonly opened: Promise<Connections> | undefined;
  connected(): Promise<Connections>;
  /** May be called twice. What a stopped run asks for late opens nothing: nobody would close it, and the process wouldn't end. */
  close(): Promise<void>;
}

/** Makes them. */
export function lazily(open: () => Promise<Connections>): Lazy {
  let opened: Promise<Connections> | undefined;
  let isClosed = false;
  return {
    get opened() {
      return opened;
    },
    connected: () => (isClosed ? Promise.reject(new Error("the connection is closed")) : (opened ??= open())),
    async close() {
      isClosed = true;
      const connections = await opened?.catch(() => undefined);
      opened = undefined;
      await connections?.close();
    },
  };
}
