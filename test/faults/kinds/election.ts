/** A primary is replaced, in the midst of a command: two members' answers, told by a stand-in. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import type { Election, ElectionPlan, Struck } from "../../stand-in/election.ts";
import type { Random } from "../random.ts";
import type { Fault } from "../world.ts";
import { inTurn } from "./mongod.ts";

const SECOND = 1000;
/** A command that doesn't come in time is not waited for. */
const PATIENCE = 4 * SECOND;

/** In whose midst: a command's name, and what its database's name ends with behind the id. */
type Where = [command: string, database: string];

const PLACES: [what: string, ...Where][] = [
  ["an insert", "insert", ""],
  ["an update", "update", ""],
  ["a delete", "delete", ""],
  ["the making of a collection", "create", ""],
  ["an index build", "createIndexes", ""],
  ["a save of states", "update", "-checkpoint-state"],
  ["a save of positions", "update", "-checkpoint"],
  ["the lease's renewal", "findAndModify", "-checkpoint-state"],
];

const WAYS: [name: string, draw: (random: Random) => Omit<ElectionPlan, "struck">][] = [
  ["steps down", (r) => ({ killed: false, vacantMs: r.between(0, 5000) })],
  ["is killed", (r) => ({ killed: true, vacantMs: r.between(0, 8000), backMs: r.between(0, 5000) })],
  [
    "isn't aware of it",
    (r) => ({ killed: false, vacantMs: r.between(0, 500), claimsMs: r.between(500, 6000) }),
  ],
];
const STRUCK: readonly Struck[] = ["executed", "unexecuted", "refused", "interrupted", "unacknowledged"];

/** Holds a plan until its command comes. */
export interface Striker {
  /** To be asked about every command, see `ElectionOptions`. */
  elects(name: string, read: () => Document): ElectionPlan | undefined;
  /** Waits for a command; false: it didn't come in time, and is no longer waited for. */
  strike(where: Where, plan: ElectionPlan, signal: AbortSignal): Promise<boolean>;
}

/** @param id the target's database */
export function createStriker(id: string): Striker {
  let waiting: { where: Where; plan: ElectionPlan; struck: () => void } | undefined;
  return {
    elects(name, read) {
      if (waiting?.where[0] !== name || read()["$db"] !== `${id}${waiting.where[1]}`) return undefined;
      const { plan, struck } = waiting;
      struck();
      return plan;
    },
    async strike(where, plan, signal) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting = { where, plan, struck: () => resolve(true) };
      const late = sleep(PATIENCE, false, { signal }).catch(() => false);
      const isStruck = await Promise.race([promise, late]);
      waiting = undefined;
      return isStruck;
    },
  };
}

/** One for each way in which a primary goes. */
export function electionFaults(election: Election, striker: Striker): Fault[] {
  const turn = inTurn();
  return WAYS.map(([name, drawWay]) => ({
    name: `the primary ${name}`,
    codes: ["TARGET_UNREACHABLE", "CHECKPOINT_FAILED"],
    draw(random) {
      const [what, ...where] = random.pick(PLACES);
      const plan = { ...drawWay(random), struck: random.pick(STRUCK) };
      return {
        what: `the primary ${name} in the midst of ${what}: ${JSON.stringify(plan)}`,
        happen: ({ signal, say }) =>
          turn(async () => {
            const isStruck = await striker.strike(where, plan, signal);
            say(isStruck ? `struck ${what}` : `no ${what} came: between commands`);
            if (!isStruck) await election.elect(plan);
            await election.settled();
          }),
      };
    },
  }));
}
