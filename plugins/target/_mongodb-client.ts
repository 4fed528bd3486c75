import { MongoClient, type MongoClientOptions } from "mongodb";
import type { ConsolaInstance } from "consola";
import { targetError } from "./_mongodb-errors.ts";

const SECOND = 1000;
/** No answer for so long, and the connection counts as lost. */
const SOCKET_TIMEOUT = 90 * SECOND;
/** The server gives up on a write by then, so that its answer comes before the socket's timeout. */
export const WRITE_TIMEOUT: number = 60 * SECOND;
const SELECTION_TIMEOUT = 10 * SECOND;

/** What every write asks for: acknowledged means durable. */
export const DURABLE = { w: "majority", j: true } as const;

/** The connections to one deployment. */
export interface Connections {
  /** For data: a connection that hangs is given up. */
  data: MongoClient;
  /** For what may take hours: index builds and counts. */
  patient: MongoClient;
  close(): Promise<void>;
}

/**
 * Connects.
 *
 * @param lanes writes at once
 * @param signal closes the connections, so that nobody waits for an answer that doesn't come
 * @throws MigrationError TARGET_UNREACHABLE, TARGET_DENIED or CONFIG_INVALID
 */
export async function connect(
  address: string,
  lanes: number,
  log: ConsolaInstance,
  signal: AbortSignal,
): Promise<Connections> {
  const clients: MongoClient[] = [];
  const open = (options: MongoClientOptions): MongoClient => {
    const client = new MongoClient(address, {
      appName: "nimo-shake",
      serverSelectionTimeoutMS: SELECTION_TIMEOUT,
      readPreference: "primary",
      ...options,
    });
    clients.push(client);
    return client;
  };
  const close = async (): Promise<void> => {
    signal.removeEventListener("abort", close);
    await Promise.all(clients.map((client) => client.close()));
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    const data = open({ socketTimeoutMS: SOCKET_TIMEOUT, maxPoolSize: lanes + 2 });
    const patient = open({ maxPoolSize: lanes + 2 });
    const { w, journal } = data.options.writeConcern ?? {};
    if ((w !== undefined && w !== "majority") || journal === false) {
      log.warn("target.address asks for a weaker write concern: raised to majority, journal");
    }
    await data.db("admin").command({ ping: 1 });
    return { data, patient, close };
  } catch (error) {
    await close();
    throw targetError(error, "connecting to target.address");
  }
}
