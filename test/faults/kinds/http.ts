/** What happens to answers of a DynamoDB server: storms of throttling, bursts of 5xx, spoilt bodies. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../../../core/errors.ts";
import type { HttpFaults, Spoilt } from "../http-faults.ts";
import type { Random } from "../random.ts";
import type { Fault } from "../world.ts";

const SECOND = 1000;
/** What reads and writes data; a storm is for them only. */
const DATA = ["Scan", "GetRecords", "BatchWriteItem", "PutItem", "DeleteItem"];

interface Kind {
  name: string;
  how: (random: Random) => Spoilt;
  operations?: readonly string[];
}

const KINDS: Kind[] = [
  {
    name: "throttling storm",
    how: () => ({ kind: "error", name: "ProvisionedThroughputExceededException", status: 400 }),
    operations: DATA,
  },
  {
    name: "5xx burst",
    how: (random) =>
      random.pick<Spoilt>([
        { kind: "error", name: "InternalServerError", status: 500 },
        { kind: "error", name: "ServiceUnavailable", status: 503 },
        { kind: "page", status: 502 },
        { kind: "page", status: 503 },
      ]),
  },
  {
    name: "truncated bodies",
    how: (random) => ({
      kind: "truncated",
      share: random.below(100) / 100,
      length: random.pick(["as it was", "as it is"] as const),
    }),
  },
  { name: "corrupt bodies", how: (random) => ({ kind: "corrupt", place: random.below(100) / 100 }) },
  { name: "dropped answers", how: () => ({ kind: "dropped" }) },
  {
    name: "answers too late",
    how: (random) => ({ kind: "late", ms: random.between(2500, 7000) }),
    operations: DATA,
  },
];

/**
 * Faults of one side's answers.
 *
 * @param side as the table has it
 * @param codes with which the tool may end when it starts in the midst of it
 */
export function httpFaults(side: string, proxy: HttpFaults, codes: readonly ErrorCode[]): Fault[] {
  let active = 0;
  return KINDS.map(({ name, how, operations }) => ({
    name: `${side} ${name}`,
    codes,
    draw(random) {
      const spoil = { how: how(random), every: random.pick([1, 2, 3, 7]), ...(operations && { operations }) };
      const ms = random.between(500, 5 * SECOND);
      return {
        what: `${side}: ${JSON.stringify(spoil)} for ${ms} ms`,
        async happen({ signal, say }) {
          const before = proxy.spoilt;
          const mine = ++active;
          proxy.spoil(spoil);
          await sleep(ms, undefined, { signal }).catch(() => {});
          if (mine === active) proxy.spoil(undefined);
          say(`${name}: ${proxy.spoilt - before} answers`);
        },
      };
    },
  }));
}
