/** The checkpoint in files over a disk that loses what isn't synced, its process cut off between any two steps. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { createContext, type OwnedContext } from "../../../../core/run/context.ts";
import { thisProcess } from "../../../../core/host/process.ts";
import type { Checkpoint, Holder } from "../../../../core/plugin/roles.ts";
import file from "../../../../plugins/checkpoint/file.ts";
import { testConfig } from "../../../fakes/context.ts";
import { type Crash, crash, crashingDisk } from "../../../model/crashes.ts";
import { ON_DISK } from "../../../model/disk.ts";
import { type FakeFiles, fakeFiles } from "../../../model/files.ts";
import { runs } from "../../../model/runs.ts";

setDefaultTimeout(3_600_000);

let files: FakeFiles;
beforeAll(async () => void (files = await fakeFiles()));
afterAll(() => files.restore());

const NAMES = ["run", "table:t", "shards:t", "status"] as const;
type Name = (typeof NAMES)[number];
/** What is kept under a name: by part a number. */
type Kept = Record<string, number>;

/** One call, and whether it is waited for before the next one. */
interface Call {
  name: Name;
  do: "save" | "clear" | "remove";
  parts: number[];
  isAwaited: boolean;
}

const call: fc.Arbitrary<Call> = fc.record({
  name: fc.constantFrom(...NAMES),
  do: fc.constantFrom("save" as const, "save" as const, "save" as const, "clear" as const, "remove" as const),
  parts: fc.uniqueArray(fc.nat(3), { minLength: 1 }),
  isAwaited: fc.boolean(),
});
const process: fc.Arbitrary<{ calls: Call[]; crash: Crash }> = fc.record({
  calls: fc.array(call, { maxLength: 10 }),
  crash,
});

const NEVER: Crash = { after: Number.POSITIVE_INFINITY, power: false, seed: 0 };

const partOf = (name: Name, part: number): string => (name === "status" ? "status" : `p${part}`);
/** A state as the place of its name takes it: NimoShake's rows say whose they are. */
const stateOf = (name: Name, part: string, value: number): unknown =>
  name === "shards:t" ? { ShardId: part, value } : value;
const valueOf = (name: Name, state: unknown): number =>
  name === "shards:t" ? (state as { value: number }).value : (state as number);

/** What each name may hold: what was acknowledged last, and what each call since then makes of it. */
type Possible = Record<Name, Kept[]>;

async function load(checkpoint: Checkpoint, name: Name): Promise<Kept> {
  const states = await checkpoint.load(name);
  return Object.fromEntries([...states].map(([part, state]) => [part, valueOf(name, state)]));
}

async function opened(): Promise<{ ctx: OwnedContext; checkpoint: Checkpoint }> {
  const settings = { id: "m", sync_mode: "all", "checkpoint.type": "file" };
  const address = { "checkpoint.address": `${ON_DISK}/at/checkpoint` };
  const ctx = createContext({ config: testConfig({ ...settings, ...address }) });
  await ctx.use(file);
  return { ctx, checkpoint: ctx.role("checkpoint") };
}

/** Lives of processes at one disk, one after the other, and what each one finds there. */
async function live(processes: { calls: Call[]; crash: Crash }[]): Promise<void> {
  const { until } = crashingDisk(files);
  const possible = Object.fromEntries(NAMES.map((name) => [name, [{}]])) as unknown as Possible;
  let [values, tokens] = [0, 0];

  /** Notes what a call may make of a name; gives what is to be called when it is acknowledged. */
  function expectCall({ name, do: what, parts }: Call): {
    states: Map<string, unknown>;
    acknowledge: () => void;
  } {
    const states = new Map<string, unknown>();
    const next: Kept = what === "clear" ? {} : { ...possible[name].at(-1) };
    for (const each of parts) {
      const part = partOf(name, each);
      delete next[part];
      if (what === "save") next[part] = ++values;
      states.set(part, stateOf(name, part, values));
    }
    possible[name].push(next);
    return {
      states,
      acknowledge: () => void possible[name].splice(0, Math.max(0, possible[name].indexOf(next))),
    };
  }

  async function run(calls: Call[]): Promise<void> {
    const { ctx, checkpoint } = await opened();
    const ours: Holder = { ...thisProcess(), token: `t${++tokens}`, since: "now" };
    const pending: Promise<void>[] = [];
    try {
      // As long after the end of the one before as it takes.
      const { holder } = await checkpoint.lease!.claim(ours, { ttl: -1 });
      expect(holder.token).toBe(ours.token);
      for (const name of NAMES) {
        const found = await load(checkpoint, name);
        expect(possible[name]).toContainEqual(found);
        possible[name] = [found];
      }
      for (const each of calls) {
        const { states, acknowledge } = expectCall(each);
        const { name } = each;
        const done =
          each.do === "save"
            ? checkpoint.save(name, states)
            : each.do === "clear"
              ? checkpoint.clear(name)
              : checkpoint.remove!(name, [...states.keys()]);
        const acknowledged = done.then(acknowledge);
        pending.push(acknowledged);
        if (each.isAwaited) await acknowledged;
      }
      await Promise.all(pending);
      await checkpoint.lease!.renew(ours);
    } finally {
      await Promise.allSettled(pending);
      await ctx[Symbol.asyncDispose]();
    }
  }

  for (const { calls, crash } of processes) await until(crash, () => run(calls));
  await until(NEVER, () => run([]));
}

test("after any end of its process what is read of each name was saved, whole, and is no older than what was acknowledged", () =>
  fc.assert(fc.asyncProperty(fc.array(process, { minLength: 1, maxLength: 6 }), live), runs(60)));

const unawaited = (name: Name, what: Call["do"], ...parts: number[]): Call => {
  return { name, do: what, parts, isAwaited: false };
};
/** More than such a process makes. */
const STEPS = 80;
/** Ways for the power to go, at each of them. */
const SEEDS = 8;

/** What was found once, at every step instead of the one where it was. */
test.each<[string, Call[]]>([
  [
    "of a save, a removal of what it saved doesn't find nothing to remove",
    [unawaited("run", "save", 0), unawaited("run", "remove", 0)],
  ],
  [
    "of a save, a removal of something else doesn't count it as saved",
    [unawaited("run", "save", 0), unawaited("run", "remove", 1)],
  ],
  ["of a first position, its folder is still had by who has begun that", [unawaited("shards:t", "save", 0)]],
  ["of a status, it is there or not", [unawaited("status", "save", 0), unawaited("status", "remove", 0)]],
])("wherever the disk is cut off in the middle %s", async (_, calls) => {
  for (let after = 0; after < STEPS; after++) {
    await live([{ calls, crash: { after, power: false, seed: 0 } }]);
    for (let seed = 0; seed < SEEDS; seed++) {
      await live([
        { calls, crash: { after, power: true, seed } },
        { calls, crash: NEVER },
      ]);
    }
  }
});
