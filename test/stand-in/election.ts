/**
 * A replica set of two members by what they answer: one real mongod keeps the documents of both, and which of them is
 * the primary is told here. It steps down, is killed and replaced when told to, in the midst of any command.
 *
 * ```
 *  driver ─┬─ member 0, the primary ──┬─ mongod
 *          └─ member 1, a secondary ──┘
 * ```
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Document, Long, ObjectId } from "mongodb";
import { type Fate, type MongoProxy, startMongoProxy } from "./mongo-proxy.ts";

const SECOND = 1000;
const SET = "elected";
const HELLO = /^(hello|ismaster)$/i;
/** Answered by a secondary as well. */
const BY_ANY = new Set(["ping", "buildInfo", "endSessions", "killCursors", "getMore", "connectionStatus"]);
const WRITES = new Set(["insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop"]);
/** What the server has is answered by then; only then the other member is elected, for the old one's writes are over. */
const DRAINED = 20 * SECOND;

/** What becomes of the command in whose midst an election begins. */
export type Struck =
  /** Executed, and its connection is gone before the answer. */
  | "executed"
  /** Never executed, and its connection is gone. */
  | "unexecuted"
  /** Refused with NotWritablePrimary, and its connection stays. */
  | "refused"
  /** Executed, and answered as interrupted. */
  | "interrupted"
  /** Executed, and answered as done, but not known to a majority. */
  | "unacknowledged";

/** How an election goes. */
export interface ElectionPlan {
  struck: Struck;
  /** The old primary's process is gone; else it is a secondary at once, and its connections stay. */
  killed: boolean;
  /** How long nobody is the primary, in ms. */
  vacantMs: number;
  /** How long after that a killed member is back, in ms. Default 0. */
  backMs?: number;
  /** How long after the new one is elected the old one still says that it is the primary, and answers nothing, in ms. */
  claimsMs?: number;
}

/** What {@link startElection} takes. */
export interface ElectionOptions {
  /** Asked about every command that the primary gets while no election is under way: a plan begins one in its midst. */
  elects?: (name: string, read: () => Document) => ElectionPlan | undefined;
}

/** A running pair. */
export interface Election extends AsyncDisposable {
  /** Names both members and their set. */
  uri: string;
  /** How many elections there were, with one under way. */
  readonly elections: number;
  /** Begins one between commands; it is over when this resolves. Only one at a time. */
  elect(plan: Omit<ElectionPlan, "struck">): Promise<void>;
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

interface Member {
  proxy: MongoProxy;
  address: string;
  role: "primary" | "secondary" | "claiming" | "down";
  /** The election that made it the primary. */
  electionId: ObjectId;
  /** Which process it is. */
  processId: ObjectId;
}

/** Starts a pair before the first server of `serverUri`. */
export async function startElection(serverUri: string, options: ElectionOptions = {}): Promise<Election> {
  const members: Member[] = [];
  let elections = 0;
  let electing: Promise<void> | undefined;

  function fateOf(member: Member, name: string, read: () => Document): Fate {
    if (member.role === "down") return "cut";
    if (HELLO.test(name)) return { answered: hello(member, members) };
    if (member.role === "claiming") return "ignore";
    if (member.role === "secondary") return BY_ANY.has(name) ? "pass" : { answered: notPrimary(name, read) };
    const plan = electing === undefined ? options.elects?.(name, read) : undefined;
    if (plan === undefined) return "pass";
    begin(plan);
    return struck(plan, name, read);
  }

  /** What the old primary's clients are told of what was on its way. */
  function afterwards({ role }: Member, name: string): Fate {
    if (role === "down") return "lose";
    if (role === "claiming") return "hold";
    return role === "secondary" && WRITES.has(name) ? { told: () => interrupted(false) } : "pass";
  }

  function begin(plan: Omit<ElectionPlan, "struck">): Promise<void> {
    const old = members.find(({ role }) => role === "primary");
    if (old === undefined || electing !== undefined) throw new Error("an election is under way");
    elections++;
    electing = hold(old, plan).finally(() => (electing = undefined));
    return electing;
  }

  async function hold(
    old: Member,
    { killed, vacantMs, backMs = 0, claimsMs = 0 }: Omit<ElectionPlan, "struck">,
  ) {
    old.role = killed ? "down" : claimsMs > 0 ? "claiming" : "secondary";
    const deadline = Date.now() + DRAINED;
    do await sleep(10);
    while (old.proxy.pending > 0 && Date.now() < deadline);
    if (killed) {
      await old.proxy.refuse();
      old.processId = new ObjectId();
    }
    await sleep(vacantMs);
    const next = members.find((member) => member !== old)!;
    next.electionId = electionId(elections);
    next.role = "primary";
    await sleep(killed ? backMs : claimsMs);
    old.role = "secondary";
    // Who is no primary any more lets go of all who waited for an answer.
    if (claimsMs > 0 && !killed) await old.proxy.refuse();
    if (killed || claimsMs > 0) await old.proxy.accept();
  }

  for (const role of ["primary", "secondary"] as const) {
    const member = { role, electionId: electionId(0), processId: new ObjectId() } as Member;
    member.proxy = await startMongoProxy(serverUri, {
      fate: (name, _, read) => fateOf(member, name, read),
      afterwards: (name) => afterwards(member, name),
    });
    member.address = new URL(member.proxy.uri).host;
    members.push(member);
  }
  const settled = async (): Promise<void> => void (await electing);
  return {
    uri: `mongodb://${members.map(({ address }) => address).join(",")}/?replicaSet=${SET}&serverMonitoringMode=poll`,
    get elections() {
      return elections;
    },
    elect: begin,
    settled,
    async [Symbol.asyncDispose]() {
      await settled();
      await Promise.all(members.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
    },
  };
}

/** Later ones are greater: that is how a driver knows a primary that was replaced. */
function electionId(election: number): ObjectId {
  return ObjectId.createFromHexString((election + 1).toString(16).padStart(24, "0"));
}

/** A number that no connection has at the server behind: what came through one that is cut is over when its member is no primary. */
const NO_CONNECTION = 2_000_000_000;

/** What a member of 6.0 says of itself and its set. */
function hello({ role, address, electionId, processId }: Member, members: Member[]): Document {
  const isPrimary = role === "primary" || role === "claiming";
  const primary = isPrimary ? address : members.find((member) => member.role === "primary")?.address;
  return {
    helloOk: true,
    ismaster: isPrimary,
    isWritablePrimary: isPrimary,
    secondary: !isPrimary,
    setName: SET,
    setVersion: 1,
    hosts: members.map((member) => member.address),
    me: address,
    ...(primary !== undefined && { primary }),
    ...(isPrimary && { electionId }),
    maxBsonObjectSize: 16 * 1024 * 1024,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 17,
    localTime: new Date(),
    topologyVersion: { processId, counter: Long.fromNumber(0) },
    connectionId: NO_CONNECTION,
    ok: 1,
  };
}

function struck({ struck: what }: ElectionPlan, name: string, read: () => Document): Fate {
  if (what === "executed") return "lose";
  if (what === "unexecuted") return "cut";
  if (what === "refused") return { answered: notPrimary(name, read) };
  const retryable = isRetryable(read);
  if (what === "interrupted" || !WRITES.has(name)) return { told: () => interrupted(retryable) };
  const writeConcernError = {
    code: 91,
    codeName: "ShutdownInProgress",
    errmsg: "Replication is being shut down",
  };
  return { told: (answer) => ({ ...answer, writeConcernError, ...labels(retryable) }) };
}

/** Whether the driver may send it again by itself. */
function isRetryable(read: () => Document): boolean {
  return read()["txnNumber"] !== undefined;
}

function labels(retryable: boolean): Document {
  return retryable ? { errorLabels: ["RetryableWriteError"] } : {};
}

function interrupted(retryable: boolean): Document {
  const errmsg = "operation was interrupted";
  const codeName = "InterruptedDueToReplStateChange";
  return { ok: 0, code: 11602, codeName, errmsg, ...labels(retryable) };
}

function notPrimary(name: string, read: () => Document): Document {
  if (!WRITES.has(name))
    return {
      ok: 0,
      code: 13435,
      codeName: "NotPrimaryNoSecondaryOk",
      errmsg: "not primary and secondaryOk=false",
    };
  return {
    ok: 0,
    code: 10107,
    codeName: "NotWritablePrimary",
    errmsg: "not primary",
    ...labels(isRetryable(read)),
  };
}
