/** What a checkpoint that keeps a lease must do; one that keeps none has nothing to fulfil. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { OwnedContext } from "../../core/run/context.ts";
import { thisProcess } from "../../core/host/process.ts";
import type { Checkpoint, Holder, LeaseKeeper } from "../../core/plugin/roles.ts";
import type { ContractCase } from "./case.ts";
import type { CheckpointContract } from "./checkpoint.ts";
import { openContext } from "./open.ts";
import { assertSame } from "./same.ts";

const LONG = 60_000;
/** What is silent for so long is gone; a slow machine may need some of it for one call. */
const SHORT = 50;

/** Two names that may be kept in different ways: our own, and a table's shards in NimoShake's layout. */
const NAMES = ["t", "shards:t"] as const;

/** A process that uses the place. */
interface Process {
  holder: Holder;
  checkpoint: Checkpoint;
  lease: LeaseKeeper;
}

/** The cases. */
export function leaseCases({ plugin, makePlace }: CheckpointContract): ContractCase[] {
  const cases: ContractCase[] = [];

  /** A case with so many processes at one place. */
  function add(name: string, ids: string[], run: (...processes: Process[]) => Promise<void>): void {
    cases.push({
      name: `a lease ${name}`,
      async run() {
        await using place = await makePlace();
        await using opened = new AsyncDisposableStack();
        const contexts: OwnedContext[] = [];
        for (const id of ids) {
          const settings = { "checkpoint.db": "states", ...place.settings, id };
          contexts.push(opened.use(await openContext([plugin], settings)));
        }
        const processes = contexts.map((ctx, n) => {
          const checkpoint = ctx.role("checkpoint");
          return { holder: holder(n), checkpoint, lease: checkpoint.lease! };
        });
        if (processes.every(({ lease }) => lease !== undefined)) await run(...processes);
      },
    });
  }

  add("is one process's, which renews it and gives it back", ["app", "app"], async (one, two) => {
    assertSame((await one!.lease.claim(one!.holder, { ttl: LONG })).holder, one!.holder);
    const found = await two!.lease.claim(two!.holder, { ttl: LONG });
    assertSame(found.holder, one!.holder);
    assert.ok(found.age >= 0 && found.age < LONG, `its age is ${found.age}`);
    assertSame((await one!.lease.claim(one!.holder, { ttl: LONG })).holder, one!.holder);
    assertSame((await one!.lease.renew(one!.holder))?.holder, one!.holder);
    await two!.lease.release(two!.holder); // it isn't the second one's
    const find = two!.lease.find?.bind(two!.lease);
    if (find !== undefined) assertSame((await find())?.holder, one!.holder);
    assertSame((await two!.lease.claim(two!.holder, { ttl: LONG })).holder, one!.holder);
    for (const name of NAMES) await one!.checkpoint.save(name, row(1));
    await one!.lease.release(one!.holder);
    if (find !== undefined) assertSame(await find(), undefined);
    assertSame((await two!.lease.claim(two!.holder, { ttl: LONG })).holder, two!.holder);
    for (const name of NAMES) await two!.checkpoint.save(name, row(2));
  });

  add("that many want at once is one's", Array<string>(8).fill("app"), async (...all) => {
    const found = await Promise.all(all.map(({ lease, holder }) => lease.claim(holder, { ttl: LONG })));
    assertSame(new Set(found.map(({ holder }) => holder.token)).size, 1);
  });

  add("grows old, and young by renewals", ["app", "app"], async (one, two) => {
    const age = async (): Promise<number> => (await two!.lease.claim(two!.holder, { ttl: LONG })).age;
    await one!.lease.claim(one!.holder, { ttl: LONG });
    await sleep(4 * SHORT);
    const before = await age();
    assert.ok(before >= 3 * SHORT, `its age is ${before}`);
    await one!.lease.renew(one!.holder);
    const after = await age();
    assert.ok(after < before, `its age is ${after}, was ${before}`);
  });

  for (const [why, options] of [
    ["that isn't renewed", { ttl: SHORT }],
    ["of a process known to be dead", { ttl: LONG, over: holder(0).token }],
  ] as const) {
    add(`${why} goes to another one, and who had it saves nothing more`, ["app", "app"], async (one, two) => {
      for (const name of NAMES) await one!.checkpoint.save(name, row(0));
      await one!.lease.claim(one!.holder, { ttl: LONG });
      for (const name of NAMES) await one!.checkpoint.save(name, row(1));
      await sleep(2 * SHORT);
      assertSame((await two!.lease.claim(two!.holder, options)).holder, two!.holder);
      for (const name of NAMES) {
        await two!.checkpoint.save(name, row(2));
        await assert.rejects(() => one!.checkpoint.save(name, row(3)), { code: "ALREADY_RUNNING" });
        await assert.rejects(() => one!.checkpoint.clear(name), { code: "ALREADY_RUNNING" });
      }
      assertSame((await one!.lease.renew(one!.holder))?.holder, two!.holder);
      await one!.lease.release(one!.holder);
      await two!.lease.release(two!.holder);
      // given back, it isn't the first one's again
      assert.notEqual((await one!.lease.renew(one!.holder))?.holder.token, one!.holder.token);
      for (const name of NAMES) {
        await assert.rejects(() => one!.checkpoint.save(name, row(3)), { code: "ALREADY_RUNNING" });
        assertSame([...(await two!.checkpoint.load(name))], [...row(2)]);
      }
    });
  }

  add(
    "gives the states as who had it left them, not as they were read before",
    ["app", "app"],
    async (one, two) => {
      await one!.lease.claim(one!.holder, { ttl: LONG });
      for (const name of NAMES) {
        await one!.checkpoint.save(name, row(1));
        assertSame([...(await two!.checkpoint.load(name))], [...row(1)]);
      }
      await two!.lease.claim(two!.holder, { ttl: LONG });
      for (const name of NAMES) await one!.checkpoint.save(name, row(2));
      await one!.lease.release(one!.holder);
      assertSame((await two!.lease.claim(two!.holder, { ttl: LONG })).holder, two!.holder);
      for (const name of NAMES) {
        assertSame([...(await two!.checkpoint.load(name))], [...row(2)]);
        await two!.checkpoint.save(name, new Map([["1", { ShardId: "1", n: 3 }]]));
        assertSame((await two!.checkpoint.load(name)).get("0"), row(2).get("0"));
      }
    },
  );

  add("is an id's own", ["one", "two"], async (...both) => {
    for (const { lease, holder } of both) {
      assertSame((await lease.claim(holder, { ttl: LONG })).holder, holder);
    }
  });

  return cases;
}

function holder(n: number): Holder {
  return { ...thisProcess(), token: `token ${n}`, since: new Date(n).toISOString() };
}

function row(n: number): Map<string, unknown> {
  return new Map([["0", { ShardId: "0", n }]]);
}
