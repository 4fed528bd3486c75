/**
 * Connections that are made while the driver asks a server what it is. The driver alone makes them behind that, and one after the
 * other: two round trips more before the first command.
 *
 * ```
 *  the driver   connect  hello │ connect  hello  first command
 *  here         connect  hello │ first command
 *               connect  hello │
 * ```
 */
import type { MongoClient } from "mongodb";

/** The parts of the driver's pool used here that it keeps to itself; a test sees whether they are still there. */
interface Pool {
  on(event: string, listener: (event: { error?: unknown }) => void): void;
  off(event: string, listener: (event: { error?: unknown }) => void): void;
  /** Connections are made from then on. */
  ready(): void;
  /** Makes one, if there are fewer than are to be kept ready. */
  ensureMinPoolSize(): void;
  checkOut(options: object): Promise<unknown>;
}
interface Inner {
  topology?: { s?: { servers?: ReadonlyMap<string, { pool?: Partial<Pool> }> } };
}

/** Makes a client's `minPoolSize` connections to each server it knows as soon as it connects; of a driver that has changed none. */
export function connectEarly(client: MongoClient, minPoolSize: number): void {
  client.once("topologyOpening", () =>
    // The servers are there by then.
    queueMicrotask(() => {
      for (const { pool } of (client as Inner).topology?.s?.servers?.values() ?? [])
        if (hasParts(pool)) open(pool, minPoolSize);
    }),
  );
}

function hasParts(pool: Partial<Pool> | undefined): pool is Pool {
  return [pool?.on, pool?.off, pool?.ready, pool?.ensureMinPoolSize, pool?.checkOut].every(
    (part) => typeof part === "function",
  );
}

/** Who wants a connection waits for the first of those on their way, and hears why there is none. */
function open(pool: Pool, count: number): void {
  const { promise: first, resolve, reject } = Promise.withResolvers<void>();
  first.catch(() => {});
  const checkOut = pool.checkOut.bind(pool);
  const end = (error?: unknown): void => {
    pool.off("connectionReady", isThere);
    pool.off("connectionClosed", isClosed);
    pool.checkOut = checkOut;
    if (error === undefined) resolve();
    else reject(error);
  };
  const isThere = (): void => end();
  const isClosed = ({ error }: { error?: unknown }): void => end(error ?? undefined);
  pool.on("connectionReady", isThere);
  pool.on("connectionClosed", isClosed);
  pool.checkOut = async (options) => {
    await first;
    return checkOut(options);
  };
  pool.ready();
  for (let more = count; more > 1; more--) pool.ensureMinPoolSize();
}
