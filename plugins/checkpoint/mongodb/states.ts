/** States as documents: how they are found and saved, in commands that a server takes. */
import { type Collection, type Db, MongoServerError } from "mongodb";
import { MigrationError } from "../../../core/errors.ts";
import type { Kept, Other } from "../../../core/plugin/roles.ts";
import { DURABLE, WRITE_TIMEOUT } from "../../_mongodb/client.ts";
import { DUPLICATE_KEY } from "../../_mongodb/errors.ts";
import type { States } from "../_queue.ts";

/** Of text in one command, in characters: at three bytes each they are below the server's 16 MB. */
const COMMAND_LENGTH = 4_000_000;

/** A part's state. It is JSON text, because its attribute names may be anything. */
export interface StateDocument {
  _id: { id: string; name: string; part: string };
  state: string;
  updatedAt: Date;
}

/** One statement of an update command. */
export interface Upsert {
  q: { _id: StateDocument["_id"] };
  u: Omit<StateDocument, "_id">;
  upsert: true;
}

/** Two statements that forget documents: the update takes their states, the delete the documents without one. */
export function forgetting(ids: object): { update: object; delete: object } {
  return {
    update: { q: { _id: ids }, u: { $unset: { state: "" } }, multi: true },
    delete: { q: { _id: ids, state: { $exists: false } }, limit: 0 },
  };
}

/** Every `_id` of a name, as a range, so that the index on `_id` serves. */
export function allParts(id: string, name: string): object {
  // BSON orders objects behind all strings.
  return { $gte: { id, name, part: "" }, $lt: { id, name, part: {} } };
}

/** The same of all names. */
export function allNames(id: string): object {
  return { $gte: { id, name: "", part: "" }, $lt: { id, name: {} } };
}

/** Where it stands whose NimoShake's database is. */
export const ownerId: StateDocument["_id"] = { id: "", name: "owner", part: "" };

/** The states of names. */
export function find(
  states: Collection<StateDocument>,
  id: string,
  names: readonly string[],
): Promise<StateDocument[]> {
  const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
  const ranges = names.map((name) => ({ _id: allParts(id, name) }));
  return states.find({ $or: ranges, state: { $exists: true } } as object, options).toArray();
}

/** What other ids have as a part of some names. No index serves that: it is asked seldom. */
export async function findOthers(
  states: Collection<StateDocument>,
  id: string,
  part: string,
  names: readonly string[],
): Promise<Other[]> {
  const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
  const others = { "_id.id": { $ne: id }, "_id.name": { $in: [...names] }, "_id.part": part };
  const found = await states.find({ ...others, state: { $exists: true } }, options).toArray();
  return found.map(({ _id, state }) => ({ id: _id.id, name: _id.name, state: understood(state) }));
}

function understood(state: string): unknown {
  try {
    return JSON.parse(state);
  } catch {
    return undefined;
  }
}

/** The names under which an id's states are, and when each was saved last. */
export async function listNames(states: Collection<StateDocument>, id: string): Promise<Kept[]> {
  const options = { readConcern: "majority", maxTimeMS: WRITE_TIMEOUT } as const;
  const stages = [
    { $match: { _id: allNames(id), state: { $exists: true } } },
    { $group: { _id: "$_id.name", savedAt: { $max: "$updatedAt" } } },
  ];
  const found = await states.aggregate<{ _id: string; savedAt: Date }>(stages, options).toArray();
  // Of what somebody has mended by hand nobody knows when.
  return found.map(({ _id, savedAt }) => ({
    name: _id,
    savedAt: savedAt instanceof Date ? savedAt.getTime() : 0,
  }));
}

/** The statements that save states. */
export function upserts(id: string, name: string, states: States): Upsert[] {
  const updatedAt = new Date();
  return [...states].map(([part, state]) => ({
    q: { _id: { id, name, part } },
    u: { state, updatedAt },
    upsert: true,
  }));
}

/** Cuts statements into as many as a command may have. */
export function* commands(upserts: Upsert[]): Generator<Upsert[]> {
  let command: Upsert[] = [];
  let length = 0;
  for (const upsert of upserts) {
    const { name, part } = upsert.q._id;
    const more = name.length + part.length + upsert.u.state.length + 200; // what is around them
    if (command.length > 0 && length + more > COMMAND_LENGTH) {
      yield command;
      command = [];
      length = 0;
    }
    command.push(upsert);
    length += more;
  }
  yield command;
}

/** Runs a write, and throws what the server says of any part of it. */
export async function execute(db: Db, command: object): Promise<void> {
  const durable = { ...command, writeConcern: DURABLE, maxTimeMS: WRITE_TIMEOUT };
  const answer = await db.command(durable);
  const error = answer.writeErrors?.[0] ?? answer.writeConcernError;
  if (error !== undefined) throw new MongoServerError(error);
}

/** Updates or inserts. Of two that insert at once one fails; sent again, it finds something to update. */
export async function upsert(db: Db, collection: string, updates: object[]): Promise<void> {
  const save = (): Promise<void> => execute(db, { update: collection, updates, ordered: false });
  await save().catch((error: MongoServerError) => {
    if (error.code !== DUPLICATE_KEY) throw error;
    return save();
  });
}

/** The saved text as what it was. */
export function parse(state: unknown, name: string, place: string): unknown {
  try {
    if (typeof state !== "string") throw new TypeError("its state is no text");
    return JSON.parse(state);
  } catch (cause) {
    const what = `the checkpoint can't be understood, ${name}: ${place}`;
    throw new MigrationError("CHECKPOINT_MISMATCH", what, { cause, hint: "start over with --fresh" });
  }
}
