/** What happens to mongod: killed, stepped down, slow or failing saves of the checkpoint. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Document, MongoClient } from "mongodb";
import type { Mongod } from "../../servers/mongod.ts";
import type { Fault } from "../world.ts";

const SECOND = 1000;

/** What the faults get hold of. */
export interface MongodPlace {
  mongod: Mongod;
  /** Past every proxy. */
  client: MongoClient;
  /** Where the checkpoint's states are, as `database.collection`; undefined: in files. */
  states: string | undefined;
}

/** One server has one fate at a time: two faults of it would undo each other. */
export function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}

/** All that fit. */
export function mongodFaults({ mongod, client, states }: MongodPlace): Fault[] {
  const turn = inTurn();

  const killed: Fault = {
    name: "mongod kill -9",
    codes: ["TARGET_UNREACHABLE", "CHECKPOINT_FAILED"],
    draw(random) {
      const away = random.between(0, 8) * SECOND;
      return {
        what: `kill -9 of mongod, back on its data after ${away / SECOND} s`,
        happen: ({ signal }) =>
          turn(async () => {
            await mongod.kill9();
            await sleep(away, undefined, { signal }).catch(() => {});
            await mongod.restart();
          }),
      };
    },
  };

  const steppedDown: Fault = {
    name: "step down",
    codes: ["TARGET_UNREACHABLE", "CHECKPOINT_FAILED"],
    draw(random) {
      const seconds = random.between(1, 6);
      return {
        what: `replSetStepDown for ${seconds} s`,
        happen: ({ say, signal }) =>
          turn(async () => {
            await client
              .db("admin")
              .command({ replSetStepDown: seconds, force: true })
              .catch((error: unknown) => say(`step down: ${String(error)}`));
            await sleep(seconds * SECOND, undefined, { signal });
          }),
      };
    },
  };

  /** The server's own fail point, for writes of states only. */
  const failing = (how: Document, times: number, namespace: string): Promise<unknown> =>
    client.db("admin").command({
      configureFailPoint: "failCommand",
      mode: { times },
      data: { failCommands: ["insert", "update", "delete", "findAndModify"], namespace, ...how },
    });

  const slowSave = (namespace: string): Fault => ({
    name: "slow saves",
    draw(random) {
      const ms = random.between(1, 6) * SECOND;
      const times = random.between(1, 4);
      return {
        what: `${times} saves of the checkpoint take ${ms / SECOND} s longer`,
        happen: () =>
          turn(async () => {
            await failing({ blockConnection: true, blockTimeMS: ms }, times, namespace);
          }),
      };
    },
  });

  const lostSave = (namespace: string): Fault => ({
    name: "lost saves",
    draw(random) {
      const times = random.between(1, 6);
      const how = random.pick([
        { closeConnection: true },
        { errorCode: 91 }, // ShutdownInProgress
        { errorCode: 11602 }, // InterruptedDueToReplStateChange
        { writeConcernError: { code: 64, errmsg: "waiting for replication timed out" } },
      ]);
      return {
        what: `${times} saves of the checkpoint: ${JSON.stringify(how)}`,
        happen: () =>
          turn(async () => {
            await failing(how, times, namespace);
          }),
      };
    },
  });

  return [killed, steppedDown, ...(states === undefined ? [] : [slowSave(states), lostSave(states)])];
}
