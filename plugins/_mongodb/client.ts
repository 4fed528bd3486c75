/** Connections to MongoDB, and how durable its writes are. */
import {
  MongoClient,
  type MongoClientOptions,
  MongoNetworkTimeoutError,
  MongoServerSelectionError,
} from "mongodb";
import type { ConsolaInstance } from "consola";
import { createSemaphore } from "../../core/flow/semaphore.ts";
import { checkCertificates } from "./certificates.ts";
import { addressError, connectError } from "./errors.ts";
import { explainReplicaSet } from "./replica-set.ts";

const SECOND = 1000;
/** No answer for so long, and the connection counts as lost: that its server was killed isn't always noticed. */
const SOCKET_TIMEOUT = 30 * SECOND;
/** The server gives up on a write by then, so that its answer comes before the socket's timeout. */
export const WRITE_TIMEOUT: number = 20 * SECOND;
const SELECTION_TIMEOUT = 10 * SECOND;

/** What every write asks for: acknowledged means durable. */
export const DURABLE = { w: "majority", j: true } as const;

/** Makes a call when its turn has come, see {@link createCalls}; `before` is asked then. */
export type Calls = <T>(send: () => Promise<T>, before?: () => void | Promise<void>) => Promise<T>;

/** The connections to one deployment. */
export interface Connections {
  /** For calls on `data` that may be many: so many at once as there are lanes. */
  inTurn: Calls;
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
 * @param signal ends what may take hours; writes have until `abandon`, then nobody waits for an answer any more
 * @param key the setting that gives the address
 * @throws MigrationError TARGET_UNREACHABLE, TARGET_DENIED or CONFIG_INVALID
 */
export async function connect(
  address: string,
  lanes: number,
  log: ConsolaInstance,
  { signal, abandon }: { signal: AbortSignal; abandon: AbortSignal },
  key: "target.address" | "checkpoint.address" = "target.address",
): Promise<Connections> {
  const clients: MongoClient[] = [];
  const open = (options: MongoClientOptions): MongoClient => {
    try {
      const client = new MongoClient(address, {
        appName: "nimo-shake",
        ...(!/[?&]serverSelectionTimeoutMS=/i.test(address) && {
          serverSelectionTimeoutMS: SELECTION_TIMEOUT,
        }),
        readPreference: "primary",
        ...options,
      });
      clients.push(client);
      return client;
    } catch (error) {
      throw addressError(key, error);
    }
  };
  const closed = new AbortController();
  const closeOn = (when: AbortSignal, client: MongoClient): void =>
    when.addEventListener("abort", () => void client.close(), { once: true, signal: closed.signal });
  const close = async (): Promise<void> => {
    closed.abort();
    await Promise.all(clients.map((client) => client.close()));
  };
  try {
    const data = open({ socketTimeoutMS: SOCKET_TIMEOUT, maxPoolSize: lanes + 2 });
    const patient = open({ maxPoolSize: lanes + 2 });
    closeOn(abandon, data);
    closeOn(signal, patient);
    const { w, journal } = data.options.writeConcern ?? {};
    if ((w !== undefined && w !== "majority") || journal === false) {
      log.warn(`${key} asks for a weaker write concern: raised to majority, journal`);
    }
    await checkCertificates(data.options, key);
    await patient.db("admin").command({ ping: 1 });
    return { data, patient, close, inTurn: createCalls(lanes, abandon) };
  } catch (error) {
    await close();
    if (error instanceof MongoServerSelectionError) await explainReplicaSet(address, error, key);
    throw connectError(error, key);
  }
}

/**
 * Calls, so many at once: the others wait for their turn, and the time for an answer counts from the sending on. With
 * more of them than connections it would count from their queueing, and what was never sent would count as lost.
 *
 * @param within how long an answer may take, in ms
 */
export function createCalls(width: number, abandon: AbortSignal, within: number = SOCKET_TIMEOUT): Calls {
  const lanes = createSemaphore(width);
  return (send, before) =>
    lanes.run(async () => {
      await before?.();
      if (abandon.aborted) throw noAnswer("before the run ended");
      return answered(send(), abandon, within);
    });
}

/**
 * Waits for a write's answer as long as there can be one. The driver doesn't always notice that a server was
 * killed while a message was on its way (7.9 on Bun 1.4.5), and waits for ever, even when it is closed.
 *
 * @param abandon nobody waits any longer then
 */
export async function answered<T>(
  answer: Promise<T>,
  abandon: AbortSignal,
  within: number = SOCKET_TIMEOUT,
): Promise<T> {
  let giveUp!: () => void;
  const late = new Promise<never>((_, reject) => {
    giveUp = () => reject(noAnswer(abandon.aborted ? "before the run ended" : `for ${within / SECOND} s`));
  });
  const timer = setTimeout(giveUp, within);
  abandon.addEventListener("abort", giveUp, { once: true });
  if (abandon.aborted) giveUp();
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    abandon.removeEventListener("abort", giveUp);
  }
}

function noAnswer(when: string): Error {
  return new MongoNetworkTimeoutError(`no answer ${when}`);
}
