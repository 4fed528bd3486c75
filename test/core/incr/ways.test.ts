/** Changes that come as bytes go to the target without records, where nobody wants to see them, and arrive as records do. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { followShard, openReader } from "../../../core/incr/follow-shard.ts";
import type { EncodedChange } from "../../../core/plugin/changes.ts";
import type { HookName } from "../../../core/plugin/hooks.ts";
import type { StreamProgress } from "../../../core/progress/stream-progress.ts";
import type { OwnedContext } from "../../../core/run/context.ts";
import type { SourceRecord } from "../../../core/types.ts";
import {
  type Answer,
  changed,
  fakeStreams,
  opened,
  rawChange,
  streamContext,
  TABLE,
} from "../../fakes/streams.ts";

/** What a change did at the target: key, event, whether replayed, and the document. */
type Done = [key: string, event: string, replayed: boolean, document: unknown];

const fromRecord = ({ keys, event, replayed, document }: SourceRecord): Done => [
  JSON.stringify(keys),
  event,
  replayed === true,
  document,
];
const fromEncoded = ({ key, event, replayed, bytes, start, end }: EncodedChange): Done => [
  key,
  event,
  replayed === true,
  start === end ? undefined : JSON.parse(Buffer.from(bytes.subarray(start, end)).toString()),
];

interface Target {
  ways: Set<string>;
  done: Done[];
  there: Map<string, unknown>;
  /** Keys that were written by two calls at once. */
  clashes: string[];
  ctx: OwnedContext;
  /** What was counted, once a shard is followed. */
  counted?: StreamProgress;
  /** Follows a shard with these answers to its end. */
  follow(answers: Answer[]): Promise<unknown>;
}

async function target(): Promise<Target & AsyncDisposable> {
  const streams = fakeStreams([{ id: "s" }]);
  const busy = new Set<string>();
  const self: Omit<Target, "ctx" | "follow" | "counted"> = {
    ways: new Set(),
    done: [],
    there: new Map(),
    clashes: [],
  };
  async function apply(way: string, changes: Done[]): Promise<void> {
    self.ways.add(way);
    for (const [key] of changes) {
      if (busy.has(key)) self.clashes.push(key);
      busy.add(key);
    }
    await sleep(0);
    for (const each of changes) {
      const [key, , , document] = each;
      self.done.push(each);
      busy.delete(key);
      if (document === undefined) self.there.delete(key);
      else self.there.set(key, document);
    }
  }
  const ctx = await streamContext({
    streams,
    apply: ({ records }) => apply("records", records.map(fromRecord)),
    applyEncoded: ({ changes }) => apply("encoded", changes.map(fromEncoded)),
  });
  const whole: Target & AsyncDisposable = Object.assign(self, {
    ctx,
    async follow(answers: Answer[]) {
      const stream = await opened(ctx);
      whole.counted = stream.progress;
      streams.answers.set("s", [...answers, { ended: true }]);
      const note = stream.checkpoint.shards.get("s")!;
      return followShard(stream, note, openReader(stream, note)).catch((error: unknown) => error);
    },
    [Symbol.asyncDispose]: () => ctx[Symbol.asyncDispose](),
  });
  return whole;
}

const change = (pk: string, n: number, put: boolean, event: SourceRecord["event"]): SourceRecord => {
  const keys = { pk: { S: pk } };
  const image = put ? { item: { ...keys, n: { N: `${n}` } } } : {};
  return { op: put ? "put" : "delete", event, keys, ...image, sequenceNumber: `${n}`, time: Date.now() };
};
const bytes = (records: SourceRecord[]): Answer => ({
  changes: records.map(rawChange),
  get records(): SourceRecord[] {
    throw new Error("a record was made");
  },
});

test("no record is made on the short way, and as many changes count", async () => {
  await using to = await target();
  const records = Array.from({ length: 2500 }, (_, n) =>
    change(`k${n}`, n + 1, n % 3 > 0, n % 3 ? "INSERT" : "REMOVE"),
  );
  const answers = [bytes(records.slice(0, 900)), bytes(records.slice(900, 901)), bytes(records.slice(901))];
  expect(await to.follow(answers)).toBe(true);
  expect([...to.ways]).toEqual(["encoded"]);
  expect(to.done.toSorted()).toEqual(
    records.map((each) => fromRecord({ ...each, replayed: true, document: each.item! })).toSorted(),
  );
  const { read, written, filtered } = to.counted!;
  expect({ read, written, filtered }).toEqual({ read: 2500, written: 2500, filtered: 0 });
});

describe("records are made when", () => {
  const hooks: HookName[] = [
    "fetch:after",
    "convert:before",
    "convert:after",
    "write:before",
    "write:after",
    "error",
  ];
  const page = (): Answer => ({ changes: [rawChange(changed("a", 1))], records: [changed("a", 1)] });

  test.each(hooks)("a plugin listens to %s", async (name) => {
    await using to = await target();
    to.ctx.hook(name, () => {});
    await to.follow([page()]);
    expect([...to.ways]).toEqual(["records"]);
  });

  test("a key has another name at the target", async () => {
    await using to = await target();
    TABLE.keys.partition.targetName = "other";
    await to.follow([page()]).finally(() => delete TABLE.keys.partition.targetName);
    expect([...to.ways]).toEqual(["records"]);
  });

  test("the converter can't encode the page", async () => {
    await using to = await target();
    const records = [changed("good", 1), changed("bad", 2)];
    await to.follow([{ changes: records.map(rawChange), records }]);
    expect([...to.ways]).toEqual(["records"]);
    expect(to.done.length).toBe(2);
  });
});

test("by both ways in any turn, changes of a key are applied in their order, collapsed alike", async () => {
  const step = fc.record({ pk: fc.constantFrom("a", "b", "c", "bad"), put: fc.boolean() });
  const pages = fc.array(
    fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 6 }), raw: fc.boolean() }),
    {
      maxLength: 8,
    },
  );
  await fc.assert(
    fc.asyncProperty(pages, async (some) => {
      await using to = await target();
      const wanted = new Map<string, unknown>();
      let n = 0;
      const answers = some.map(({ steps, raw }): Answer => {
        const records = steps.map(({ pk, put }) => {
          const key = JSON.stringify({ pk: { S: pk } });
          const record = change(pk, ++n, put, !put ? "REMOVE" : wanted.has(key) ? "MODIFY" : "INSERT");
          if (put) wanted.set(key, record.item);
          else wanted.delete(key);
          return record;
        });
        return { records, ...(raw && { changes: records.map(rawChange) }) };
      });
      expect(await to.follow(answers)).toBe(true);
      expect(to.there).toEqual(wanted);
      expect(to.clashes).toEqual([]);
      const { read, written } = to.counted!;
      expect([read, written]).toEqual([n, n]);
    }),
    { numRuns: 60 },
  );
});

test("a failing write keeps the position before it, and nothing behind it is written", async () => {
  await using to = await target();
  const role = to.ctx.role("target");
  let calls = 0;
  const first = role.applyEncoded!.bind(role);
  role.applyEncoded = async (...given) => {
    if (++calls > 1) throw new Error("refused");
    return first(...given);
  };
  const failure = await to.follow([
    bytes([change("a", 1, true, "INSERT")]),
    bytes([change("b", 2, true, "INSERT")]),
  ]);
  expect(String(failure)).toContain("refused");
  expect(to.done.map(([key]) => key)).toEqual(['{"pk":{"S":"a"}}']);
});
