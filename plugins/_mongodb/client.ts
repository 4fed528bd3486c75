/** Connections to MongoDB, and how durable its writes are. */
import {
  MongoClient,
  type MongoClientOptions,
  MongoNetworkTimeoutError,
  MongoServerSelectionError,
} from "mongodb";
import type { ConsolaInstance } from "consola";
import { createSemaphore, type Semaphore, type Width } from "../../core/flow/semaphore.ts";
import { thisProcess } from "../../core/host/process.ts";
import type { Context } from "../../core/plugin/context.ts";
import { checkCertificates } from "./certificates.ts";
import { addressError, connectError } from "./errors.ts";
import { connections } from "./internals.ts";
import { createLateWrites, type Surely } from "./late-writes.ts";
import { connectionName } from "./outlast.ts";
import { explainReplicaSet } from "./replica-set.ts";

const SECOND = 1000;
/** No answer for so long, and the connection counts as lost: that its server was killed isn't always noticed. */
const SOCKET_TIMEOUT = 30 * SECOND;
/** The server gives up on a write by then, so that its answer comes before the socket's timeout. */
export const WRITE_TIMEOUT: number = 20 * SECOND;
/** Whoever knows more is left so much longer to say it. */
const SPARE = 5 * SECOND;
const SELECTION_TIMEOUT = 10 * SECOND;
/** The driver takes its leave of a server before it closes: of one that is away it waits for a new connection. */
const CLOSING = 2 * SECOND;
/** A pool can't be made larger: so many connections it may have, for lanes that are added later. */
const POOL = 256;
/** Connections made at once, for who writes first: a far server takes a while for each. */
const READY = 4;
/** The same for what may take hours: one that counts, and one that builds. */
const READY_PATIENT = 2;
/** So many may be on their way to be made: by the driver's two at a time a far server's lanes would be opened one after the other. */
const CONNECTING = 16;

/** How the driver names a mongos, as it has greeted; only mongos are behind a balancer. */
const MONGOS: readonly string[] = ["Mongos", "LoadBalancer"];

/** What every write asks for: acknowledged means durable. */
export const DURABLE = { w: "majority", j: true } as const;

/** Makes a call when its turn has come, see {@link createCalls}; `before` is asked then. */
export type Calls = <T>(send: () => Promise<T>, before?: () => void | Promise<void>) => Promise<T>;

/** The connections to one deployment. */
export interface Connections {
  /** For calls on `data` that may be many: so many at once as there are lanes. */
  inTurn: Calls;
  /** Makes a write on `data`, also again, until it can't be carried out later any more. */
  surely: Surely;
  /** For data: a connection that hangs is given up. */
  data: MongoClient;
  /** For what may take hours: index builds and counts. Its calls are waited for with {@link patiently}. */
  patient: MongoClient;
  /** Whether the address leads to a mongos. */
  readonly isMongos: boolean;
  close(): Promise<void>;
}

/**
 * Connects.
 *
 * @param lanes writes at once; with more than there are connections they wait for each other
 * @param signal ends what may take hours; writes have until `abandon`, then nobody waits for an answer any more
 * @param key the setting that gives the address
 * @throws MigrationError TARGET_UNREACHABLE, TARGET_DENIED or CONFIG_INVALID
 */
export async function connect(
  address: string,
  lanes: Width,
  log: ConsolaInstance,
  { signal, abandon, onSet }: Pick<Context, "signal" | "abandon"> & Partial<Pick<Context, "onSet">>,
  key: "target.address" | "checkpoint.address" = "target.address",
): Promise<Connections> {
  const clients: MongoClient[] = [];
  let isMongos = false;
  const late = createLateWrites({ client: () => clients[0]!, isMongos: () => isMongos, abandon, log });
  const open = (options: MongoClientOptions): MongoClient => {
    try {
      const client = new MongoClient(address, {
        appName: connectionName(thisProcess()),
        ...(!/[?&]serverSelectionTimeoutMS=/i.test(address) && {
          serverSelectionTimeoutMS: SELECTION_TIMEOUT,
        }),
        readPreference: "primary",
        ...(!/[?&]maxConnecting=/i.test(address) && { maxConnecting: CONNECTING }),
        ...connections(),
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
  const asked = typeof lanes === "number" ? (): number => lanes : lanes;
  const most = typeof lanes === "number" ? lanes : Math.max(lanes(), POOL);
  const inTurn = createCalls(() => Math.min(asked(), most), abandon);
  const resizing = onSet?.(inTurn.resized);
  const close = async (): Promise<void> => {
    closed.abort();
    resizing?.[Symbol.dispose]();
    const closing = Promise.all(clients.map((client) => client.close()));
    // What isn't closed by then goes on closing, or ends with the process.
    await answered(closing, abandon, CLOSING).catch(() => {});
  };
  try {
    const data = open({
      ...connections(late.onClosed),
      socketTimeoutMS: SOCKET_TIMEOUT,
      minPoolSize: Math.min(READY, asked()),
      maxPoolSize: most + 2,
    });
    const patient = open({ minPoolSize: Math.min(READY_PATIENT, asked()), maxPoolSize: most + 2 });
    closeOn(abandon, data);
    closeOn(signal, patient);
    const { w, journal } = data.options.writeConcern ?? {};
    if ((w !== undefined && w !== "majority") || journal === false) {
      log.warn(`${key} asks for a weaker write concern: raised to majority, journal`);
    }
    await checkCertificates(data.options, key);
    data.on("serverDescriptionChanged", ({ newDescription: { type } }) => {
      isMongos ||= MONGOS.includes(type);
    });
    const within = connectTimeout(data.options);
    // A connection of each is made by then, credentials and all.
    await Promise.all([patient, data].map((client) => answered(client.connect(), abandon, within)));
    // The greeting isn't compressed: whether that can be done shows with the first command.
    if (data.options.compressors?.some((each) => each !== "none")) {
      await answered(patient.db("admin").command({ ping: 1 }), abandon);
    }
    return {
      data,
      patient,
      close,
      inTurn,
      surely: late.surely,
      get isMongos() {
        return isMongos;
      },
    };
  } catch (error) {
    await close();
    if (error instanceof MongoServerSelectionError) await explainReplicaSet(address, error, key);
    throw connectError(error, key, address);
  }
}

/** How long connecting may take, in ms: the driver gives up before, for it knows why. */
export function connectTimeout({
  serverSelectionTimeoutMS,
  connectTimeoutMS,
}: Pick<MongoClient["options"], "serverSelectionTimeoutMS" | "connectTimeoutMS">): number {
  return Math.max(SOCKET_TIMEOUT, serverSelectionTimeoutMS + connectTimeoutMS) + SPARE;
}

/**
 * Resolves when the deployment's primary answers; no right is needed for it.
 *
 * @param opened the connections; undefined: there are none yet, or no more, and nobody is asked
 * @throws Error the driver's, or the signal's reason
 */
export async function ping(opened: Promise<Connections> | undefined, signal: AbortSignal): Promise<void> {
  await (await opened)?.patient.db("admin").command({ ping: 1 }, { signal });
}

/**
 * Calls, so many at once: the others wait for their turn, and the time for an answer counts from the sending on. With
 * more of them than connections it would count from their queueing, and what was never sent would count as lost.
 *
 * @param within how long an answer may take, in ms
 */
export function createCalls(
  width: Width,
  abandon: AbortSignal,
  within: number = SOCKET_TIMEOUT,
): Calls & Pick<Semaphore, "resized"> {
  const lanes = createSemaphore(width);
  const call = <T>(send: () => Promise<T>, before?: () => void | Promise<void>): Promise<T> =>
    lanes.run(async () => {
      await before?.();
      if (abandon.aborted) throw noAnswer("before the run ended");
      return answered(send(), abandon, within);
    });
  return Object.assign(call, { resized: lanes.resized });
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
  const timer = Number.isFinite(within) ? setTimeout(giveUp, within) : undefined;
  abandon.addEventListener("abort", giveUp, { once: true });
  if (abandon.aborted) giveUp();
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    abandon.removeEventListener("abort", giveUp);
  }
}

/** Waits for an answer that may take hours; when the run is abandoned nobody does any longer. */
export function patiently<T>(answer: Promise<T>, abandon: AbortSignal): Promise<T> {
  return answered(answer, abandon, Number.POSITIVE_INFINITY);
}

function noAnswer(when: string): Error {
  return new MongoNetworkTimeoutError(`no answer ${when}`);
}
