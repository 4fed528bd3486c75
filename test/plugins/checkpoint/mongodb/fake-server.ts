/** A collection of states at a server in memory, as far as own-states.ts asks it; its clients die between any two statements. */
import { type Db, type Document, MongoServerError } from "mongodb";
import { CUT_OFF } from "../../../model/crashes.ts";
import type { Chance } from "../../../model/chance.ts";

/** A document under its `_id` as JSON. */
type Documents = Map<string, { _id: { name: string; part: string }; state?: string }>;

/** See the top of the file. */
export interface FakeServer {
  /** Takes the lease, after which commands of others' are refused. */
  claim(token: string): void;
  /**
   * A client's database. It dies after so many commands and statements: of the command that is being executed a part is, what it had sent
   * besides comes at once, or when the next one has the lease, or never.
   */
  client(steps: number, chance: Chance): Db;
}

const RANGE_END = "\u{10ffff}";

/** Makes it. */
export function fakeServer(): FakeServer {
  const documents: Documents = new Map();
  let holder = "";
  const late: (() => void)[] = [];

  function matching({ _id: ids, state }: Document): string[] {
    const within = (id: { name: string; part: string }): boolean =>
      "$in" in ids
        ? (ids.$in as { name: string; part: string }[]).some(
            (each) => each.name === id.name && each.part === id.part,
          )
        : id.name === ids.$gte.name && id.part >= ids.$gte.part && id.part < RANGE_END;
    const keys: string[] = [];
    for (const [key, document] of documents) {
      const isState = state === undefined || state.$exists === (document.state !== undefined);
      if (within(document._id) && isState) keys.push(key);
    }
    return keys;
  }

  function update({ q, u, multi }: Document): void {
    if ("$unset" in u) for (const key of matching(q)) delete documents.get(key)!.state;
    else if (!multi) documents.set(JSON.stringify(q._id), { _id: q._id, state: u.state });
  }

  /** Its statements, one after the other; the first may be the lease's condition. */
  function* executed(command: Document): Generator<void> {
    for (const statement of command["updates"] ?? []) {
      const token: unknown = statement.q["holder.token"];
      if (token !== undefined && token !== holder) throw new MongoServerError({ code: 11_000, index: 0 });
      if (token === undefined) update(statement);
      yield;
    }
    for (const { q } of command["deletes"] ?? []) {
      for (const key of matching(q)) documents.delete(key);
      yield;
    }
  }

  /** What dead clients have sent, and comes late. */
  function arrive(): void {
    for (const execute of late.splice(0)) {
      try {
        execute();
      } catch {
        // Nobody hears of it.
      }
    }
  }

  return {
    claim: (token) => void (holder = token),
    client(steps, chance) {
      let left = steps;
      const isDead = (): boolean => left <= 0;

      async function command(given: Document): Promise<Document> {
        const sent = structuredClone(given);
        if (isDead()) throw CUT_OFF;
        if (chance.percent(20)) arrive();
        // It is on its way; the next step may be one too many for its client.
        left--;
        for (let waits = chance.below(4); waits > 0; waits--) await Promise.resolve();
        const run = executed(sent);
        const rest = (): void => void [...run];
        if (isDead()) {
          const fate = chance.below(3);
          if (fate === 0) late.push(rest);
          if (fate === 1) rest();
          throw CUT_OFF;
        }
        for (;;) {
          if (run.next().done) break;
          if (--left <= 0) throw CUT_OFF;
          if (chance.percent(30)) await Promise.resolve();
        }
        return { ok: 1 };
      }

      const find = ({ $or }: { $or: Document[] }): { toArray(): Promise<unknown[]> } => ({
        async toArray() {
          if (isDead()) throw CUT_OFF;
          const keys = $or.flatMap(({ _id }) => matching({ _id, state: { $exists: true } }));
          return keys.map((key) => structuredClone(documents.get(key)));
        },
      });
      return { command, collection: () => ({ find }) } as unknown as Db;
    },
  };
}
