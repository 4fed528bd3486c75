/** The roles of a small migration in memory: what is outside of the process outlives it. */
import { setTimeout as sleep } from "node:timers/promises";
import { keyText } from "../../core/schema/keys.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Checkpoint, Holder, Holding, Source, Streams, Target } from "../../core/plugin/roles.ts";
import type {
  Batch,
  Item,
  SegmentUnit,
  SourceRecord,
  Table,
  TargetDocument,
  WriteResult,
} from "../../core/types.ts";
import { testTable } from "../fakes/context.ts";
import type { Chance } from "./chance.ts";
import { arrive, type Late, type Mortal, type Share, shareOf } from "./mortal.ts";
import { createCursor } from "./reader.ts";
import { KEYS, type SourceTable } from "./source.ts";

/** What outlives a process. */
export interface Outside {
  source: SourceTable;
  /** What is at the target: documents as they were written, in this order; undefined: no such collection. */
  place: Place | undefined;
  states: Map<string, Map<string, string>>;
  lease: { holder: Holder; renewedAt: number } | undefined;
  /** Requests for items so far. */
  scans: number;
  now: () => number;
  chance: Chance;
  late: Late;
}

/** A collection at the target. */
export interface Place {
  id: string;
  documents: { key: string; document: TargetDocument }[];
  /** A unique index keeps a key from being there twice. */
  isUnique: boolean;
}

const PAGE = 3;

const tableOf = ({ source }: Outside): Table =>
  testTable("pk", undefined, { id: "one", stream: source.stream });
const keyNumber = ({ pk }: Item): number => Number(pk!.S!.slice(1));

function sourceRole(outside: Outside, { step }: Mortal): Source {
  const { source } = outside;
  return {
    tables: () => step(() => [tableOf(outside)]),
    describe: () => step(() => tableOf(outside)),
    units: (table, count = 3): SegmentUnit[] =>
      Array.from({ length: count }, (_, segment) => ({ phase: "full", table, segment, segments: count })),
    async *read({ segment, segments }, { from, beforeRequest }) {
      for (let at = from === undefined ? -1 : keyNumber(from); ;) {
        await beforeRequest({});
        const { keys, items } = await step(() => {
          outside.scans++;
          const left = Array.from({ length: KEYS }, (_, key) => key).filter(
            (key) => key > at && key % segments === segment,
          );
          const keys = left.slice(0, PAGE);
          const items = keys.map((key) => source.items.get(key)).filter((item) => item !== undefined);
          return { keys: left.length > PAGE ? keys : [], items: structuredClone(items) };
        });
        const last = keys.at(-1);
        const records = items.map((item): SourceRecord => {
          return { op: "put", event: "SCAN", keys: { pk: item["pk"]! }, item };
        });
        yield {
          records,
          position: last === undefined ? undefined : { pk: { S: `k${last}` } },
          bytes: 50 * items.length,
        };
        if (last === undefined) return;
        at = last;
      }
    },
    absent: (_, keys) => step(() => keys.filter((key) => !source.items.has(keyNumber(key)))),
  };
}

function streamsRole(outside: Outside, { step }: Mortal): Streams {
  const { source, chance, now } = outside;
  let stream = source.stream;
  function list(): ReturnType<SourceTable["list"]> {
    if (chance.percent(5)) throw new Error("no answer");
    return source.list(stream);
  }
  return {
    open: () => step(() => (stream = source.stream)),
    // The first listing, which has to answer, comes right after the opening.
    shards: () => step(() => source.listWithHoles(stream)),
    clock: now,
    children: (_, id) => step(() => list().filter(({ parent }) => parent === id)),
    read({ shard }, from) {
      const ask = createCursor(source, chance, now, shard, from);
      return {
        async poll(options) {
          await options.beforeRequest({});
          return step(() => ask(options));
        },
      };
    },
  };
}

function targetRole(outside: Outside, { step }: Mortal, signal: AbortSignal): Target {
  const { chance } = outside;
  const place = (): Place => {
    if (outside.place === undefined) throw new Error("there is no such collection");
    return outside.place;
  };

  function put(batch: Batch, share: Share, isReplaced: boolean): WriteResult {
    const { documents } = place();
    const result = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
    for (const { keys, op, document } of shareOf(batch.records, share, chance)) {
      const key = keyText(keys, batch.unit.table);
      const at = isReplaced ? documents.findIndex((each) => each.key === key) : -1;
      if (op === "delete") {
        if (at !== -1) documents.splice(at, 1);
        result.deleted++;
      } else if (at === -1) {
        documents.push({ key, document: document! });
        result.inserted++;
      } else {
        documents[at] = { key, document: document! };
        result.replaced++;
      }
    }
    return result;
  }

  function makeUnique(): void {
    const { documents } = place();
    const keys = new Set(documents.map(({ key }) => key));
    if (keys.size < documents.length) throw new Error("two documents have one key");
    place().isUnique = true;
  }

  return {
    place: "memory",
    check: async () => {},
    find: () => step(() => outside.place?.id),
    makeRoom: () => step(() => void (outside.place = undefined)),
    create: () =>
      step(() => void (outside.place ??= { id: `c${chance.below(1e9)}`, documents: [], isUnique: false })),
    resume: () => step(makeUnique),
    // Without an index whatever comes is inserted, though it is there.
    write: (batch) => step((share) => put(batch, share, place().isUnique)),
    apply: (batch) => step((share) => put(batch, share, true)),
    index: (_, indexes) =>
      step(() => {
        makeUnique();
        return indexes.length;
      }),
    count: () => step(() => place().documents.length),
    outlast: () => outlast(outside, signal),
    async *keys() {
      const all = await step(() => place().documents.map(({ document }) => document));
      for (let at = 0; at < all.length; at += PAGE) yield step(() => all.slice(at, at + PAGE));
    },
  };
}

function checkpointRole(outside: Outside, { step }: Mortal, signal: AbortSignal): Checkpoint {
  const { states, chance, now } = outside;
  const tails = new Map<string, Promise<unknown>>();
  /** One name's calls are done in their order. */
  function inTurn<T>(name: string, work: (share: Share) => T): Promise<T> {
    const done = (tails.get(name) ?? Promise.resolve()).then(() => step(work));
    tails.set(
      name,
      done.catch(() => {}),
    );
    return done;
  }
  const partsOf = (name: string): Map<string, string> => {
    const parts = states.get(name) ?? new Map<string, string>();
    states.set(name, parts);
    return parts;
  };
  const holding = (): Holding => ({ holder: outside.lease!.holder, age: now() - outside.lease!.renewedAt });

  return {
    place: "memory",
    outlast: () => outlast(outside, signal),
    load: (name) =>
      inTurn(
        name,
        () => new Map([...partsOf(name)].map(([part, text]) => [part, JSON.parse(text) as unknown])),
      ),
    save(name, parts) {
      const texts = [...parts].map(([part, state]) => [part, JSON.stringify(state)] as const);
      return inTurn(name, (share) => {
        for (const [part, text] of shareOf(texts, share, chance)) partsOf(name).set(part, text);
      });
    },
    clear: (name) =>
      inTurn(name, (share) => {
        for (const part of shareOf([...partsOf(name).keys()], share, chance)) partsOf(name).delete(part);
      }),
    remove: (name, parts) =>
      inTurn(name, (share) => {
        for (const part of shareOf(parts, share, chance)) partsOf(name).delete(part);
      }),
    lease: {
      find: () => step(() => outside.lease && holding()),
      claim: (ours, { ttl, over }) =>
        step(() => {
          const token = outside.lease?.holder.token;
          const isFree = token === undefined || token === ours.token || token === over || holding().age > ttl;
          if (isFree) outside.lease = { holder: ours, renewedAt: now() };
          return holding();
        }),
      renew: ({ token }) =>
        step(() => {
          if (outside.lease?.holder.token === token) outside.lease.renewedAt = now();
          return outside.lease && holding();
        }),
      release: ({ token }) =>
        step(() => {
          if (outside.lease?.holder.token === token) outside.lease = undefined;
        }),
    },
  };
}

/** As the server says when it has read all that dead processes have sent. */
async function outlast({ late, now }: Outside, signal: AbortSignal): Promise<void> {
  while (late.sent.length > 0) {
    await sleep(Math.max(...late.sent.map(({ at }) => at)) - now(), undefined, { signal });
    arrive(late, now());
  }
}

/** The roles as one process fills them. */
export function rolesOf(outside: Outside, mortal: Mortal): Plugin {
  return {
    name: "memory",
    setup(ctx) {
      ctx.provide("source", sourceRole(outside, mortal));
      ctx.provide("streams", streamsRole(outside, mortal));
      ctx.provide("target", targetRole(outside, mortal, ctx.signal));
      ctx.provide("checkpoint", checkpointRole(outside, mortal, ctx.signal));
      ctx.provide("convert", {
        convert(records) {
          for (const record of records) {
            record.key = { pk: record.keys["pk"]!.S! };
            if (record.item !== undefined)
              record.document = { pk: record.item["pk"]!.S!, v: record.item["v"]!.N! };
          }
          return { overflowed: 0 };
        },
        fieldPath: ({ name }) => name,
      });
    },
  };
}
