/** What plugins answer in their roles: right answers are given on as they are, others are refused by name. */
import { describe, expect, test } from "bun:test";
import { answering } from "../../../core/plugin/answers.ts";
import type { Checkpoint, Holder, LeaseKeeper, Source, Streams, Target } from "../../../core/plugin/roles.ts";
import { createContext } from "../../../core/run/context.ts";
import type { SegmentUnit, ShardUnit, SourceRecord, StreamPage } from "../../../core/types.ts";
import { memoryCheckpoint, memorySource, memoryTarget, testConfig, testTable } from "../../fakes/context.ts";
import { changed, fakeStreams } from "../../fakes/streams.ts";

const TABLE = testTable("pk");
const { signal } = new AbortController();
const beforeRequest = async (): Promise<void> => {};
const unit: SegmentUnit = { phase: "full", table: TABLE, segment: 0, segments: 1 };
const shard: ShardUnit = { phase: "incr", table: TABLE, shard: "s" };

const source = (changes: object): Source =>
  answering("source", { ...memorySource([]), ...changes } as Source, "mine");
const streams = (changes: object): Streams =>
  answering("streams", { ...fakeStreams(), ...changes } as Streams, "mine");

const target = (changes: object): Target =>
  answering("target", { ...memoryTarget(), ...changes } as Target, "mine");
const checkpoint = (changes: object): Checkpoint =>
  answering("checkpoint", { ...memoryCheckpoint(), ...changes } as Checkpoint, "mine");
const lease = (changes: object): LeaseKeeper => checkpoint({ lease: changes }).lease!;
const holder: Holder = { token: "t", since: "2026-11-27T00:00:00.000Z", pid: 1, host: "h", system: "" };

/** What a call ends with. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

const refused = (says: string) =>
  expect.objectContaining({ code: "PLUGIN_INVALID", message: expect.stringContaining(says) });

const CALLS: [method: string, wrong: unknown[], call: (answer: unknown) => unknown][] = [
  [
    "source.tables",
    [undefined, null, {}, [null], [{}], [{ ...TABLE, keys: {} }], [{ ...TABLE, secondary: undefined }]],
    (answer) => source({ tables: () => answer }).tables(signal),
  ],
  [
    "source.newTables",
    [undefined, [5]],
    (answer) => source({ newTables: () => answer }).newTables!(new Set(), signal),
  ],
  ["source.describe", [null, []], (answer) => source({ describe: () => answer }).describe!(TABLE, signal)],
  ["source.units", [undefined, [{}], [[unit]]], (answer) => source({ units: () => answer }).units(TABLE)],
  [
    "source.read",
    [undefined, [], Promise.resolve([])],
    (answer) => source({ read: () => answer }).read(unit, { from: undefined, beforeRequest, signal }),
  ],
  [
    "source.absent",
    [undefined, [null]],
    (answer) => source({ absent: () => answer }).absent!(TABLE, [], signal),
  ],
  ["streams.open", [undefined, 5], (answer) => streams({ open: () => answer }).open(TABLE, signal)],
  ["streams.shards", [undefined, [{}]], (answer) => streams({ shards: () => answer }).shards(TABLE, signal)],
  [
    "streams.children",
    [null, ["s"]],
    (answer) => streams({ children: () => answer }).children(TABLE, "s", signal),
  ],
  [
    "streams.read",
    [undefined, {}],
    (answer) => streams({ read: () => answer }).read(shard, { at: "latest" }),
  ],
  ["target.find", [null, 5, {}], (answer) => target({ find: () => answer }).find(TABLE, signal)],
  ["target.makeRoom", [null, 5], (answer) => target({ makeRoom: () => answer }).makeRoom(TABLE, signal)],
  [
    "target.index",
    [undefined, -1, "2"],
    (answer) => target({ index: () => answer }).index(TABLE, [], { signal }),
  ],
  ["target.keys", [undefined, []], (answer) => target({ keys: () => answer }).keys!(TABLE, signal)],
  [
    "target.sample",
    [undefined, [null]],
    (answer) => target({ sample: () => answer }).sample!(TABLE, 1, signal),
  ],
  ["target.aside", [undefined, [5]], (answer) => target({ aside: () => answer }).aside!([], signal)],
  ["checkpoint.load", [undefined, {}, []], (answer) => checkpoint({ load: () => answer }).load("run")],
  ["checkpoint.list", [undefined, [{ name: "a" }]], (answer) => checkpoint({ list: () => answer }).list!()],
  ["checkpoint.elsewhere", [null, "a"], (answer) => checkpoint({ elsewhere: () => answer }).elsewhere!([])],
  [
    "checkpoint.others",
    [undefined, [{ id: "a" }]],
    (answer) => checkpoint({ others: () => answer }).others!("a", []),
  ],
  [
    "checkpoint.lease.claim",
    [undefined, {}, { age: 1 }, { age: 1, holder: {} }],
    (answer) => lease({ claim: () => answer }).claim(holder, { ttl: 1 }),
  ],
  [
    "checkpoint.lease.find",
    [null, { age: Number.NaN, holder }],
    (answer) => lease({ find: () => answer }).find!(),
  ],
  ["checkpoint.lease.renew", [true], (answer) => lease({ renew: () => answer }).renew(holder)],
  ["streams.clock", [Number.NaN, "now"], (answer) => streams({ clock: () => answer }).clock!()],
];

test.each(CALLS)("%s that gives something else is named, with its plugin", async (method, wrong, call) => {
  for (const answer of wrong) {
    const failure = await outcome(() => call(answer));
    expect(failure).toEqual(refused(method));
    expect(failure).toEqual(refused("plugin mine"));
  }
});

test("what is right is given on as it is", async () => {
  const [tables, units, shards] = [[TABLE], [unit], [{ id: "s" }]];
  const reading = source({ tables: async () => tables, describe: () => undefined, units: () => units });
  expect(await reading.tables(signal)).toBe(tables);
  expect(await reading.describe!(TABLE, signal)).toBeUndefined();
  expect(reading.units(TABLE)).toBe(units);
  const following = streams({ shards: async () => shards, clock: () => undefined });
  expect(await following.shards(TABLE, signal)).toBe(shards);
  expect(following.clock!()).toBeUndefined();
  expect(reading.absent).toBeUndefined();
  const [kept, holding] = [new Map(), { age: -5, holder }];
  expect(await checkpoint({ load: () => kept }).load("run")).toBe(kept);
  expect(await lease({ find: () => holding }).find!()).toBe(holding);
  expect(checkpoint({ lease: undefined }).lease).toBeUndefined();
  expect(await target({ find: async () => undefined }).find(TABLE, signal)).toBeUndefined();
});

test("a step of an iteration that is no object is named, the others are given on as they are", async () => {
  const page = { records: [], bytes: 0, position: undefined };
  const steps = [{ done: false, value: page }, undefined];
  const read = () => ({ [Symbol.asyncIterator]: () => ({ next: async () => steps.shift() }) });
  const pages = source({ read }).read(unit, { from: undefined, beforeRequest, signal });
  const reading = pages[Symbol.asyncIterator]();
  expect((await reading.next()).value).toBe(page);
  expect(await outcome(() => reading.next())).toEqual(refused("source.read"));
});

describe("a shard's page", () => {
  const right: StreamPage = { records: [], bytes: 0, tip: true, ended: false, sentAt: 1 };
  const poll = (...pages: unknown[]) => {
    const reader = streams({ read: () => ({ poll: async () => pages.shift() }) }).read(shard, {
      at: "latest",
    });
    return () => outcome(() => reader.poll({ beforeRequest, signal }));
  };

  const WRONG_PAGES: unknown[] = [
    undefined,
    [],
    { ...right, bytes: Number.NaN },
    { ...right, tip: undefined },
    { ...right, ended: "no" },
    { ...right, sentAt: undefined },
    { ...right, skipped: -1 },
    { ...right, records: undefined },
    { ...right, records: [null] },
    { ...right, changes: {} },
    ...[
      { op: "upsert" },
      { keys: undefined },
      { item: undefined },
      { sequenceNumber: 5 },
      { sequenceNumber: "a" },
      { time: Number.NaN },
    ].map((wrong) => ({ ...right, records: [{ ...changed("a", 1), ...wrong }] })),
  ];

  test("that is none is refused, and so is what comes behind it, which would be a gap", async () => {
    for (const page of WRONG_PAGES) {
      const next = poll(page, right);
      expect(await next()).toEqual(refused("poll gives"));
      expect(await next()).toEqual(refused("poll gives"));
    }
  });

  test("may leave out sequence numbers and times", async () => {
    const { sequenceNumber: _, time: __, ...record } = changed("a", 1);
    const page = { ...right, records: [record] };
    expect(await poll(page)()).toBe(page);
  });

  test("whose records are made when somebody asks isn't asked for them", async () => {
    const page = {
      ...right,
      changes: [],
      get records(): SourceRecord[] {
        throw new Error("they were asked for");
      },
    };
    expect(await poll(page)()).toBe(page);
  });
});

test("a plugin's answers are looked at in a run, those of the tool's own aren't", async () => {
  const plugin = {
    name: "mine",
    setup: (ctx: { provide: (role: "source", by: Source) => void }) =>
      ctx.provide("source", { ...memorySource([]), tables: async () => undefined as never }),
  };
  for (const isBuiltIn of [false, true]) {
    await using ctx = createContext({ config: testConfig() });
    await ctx.use(plugin as never, {}, isBuiltIn);
    const answer = await outcome(() => ctx.role("source").tables(signal));
    if (isBuiltIn) expect(answer).toBeUndefined();
    else expect(answer).toEqual(refused("source.tables gives no list: plugin mine"));
  }
});
