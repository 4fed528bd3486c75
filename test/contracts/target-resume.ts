/** What a target promises of a table that an earlier process had begun: nothing is doubled, nothing is lost. */
import assert from "node:assert/strict";
import type { Item, Table } from "../../core/types.ts";
import type { ContractCase } from "./case.ts";
import { someItems } from "./items.ts";
import type { TargetContract } from "./target-options.ts";
import { type Opened, type Scene, segment, withScene } from "./target-scene.ts";

const SEGMENTS = 3;
const EACH = 60;

/** The items of one segment. */
function part(table: Table, n: number, version?: number): Item[] {
  return someItems(table, n * EACH, EACH, version);
}

/** How many of each segment's items a process wrote before it was killed, and how many of these are known to be. */
interface Crash {
  written: number[];
  known: number[];
}

const CRASHES: [when: string, Crash][] = [
  ["all that was written is known", { written: [40, 40, 40], known: [40, 40, 40] }],
  ["more was written than is known", { written: [60, 37, 25], known: [20, 1, 0] }],
  ["nothing is known", { written: [10, 10, 10], known: [0, 0, 0] }],
  ["nothing was written of some units", { written: [0, 17, 0], known: [0, 5, 0] }],
  ["nothing was written at all", { written: [0, 0, 0], known: [0, 0, 0] }],
];

/** The cases. */
export function resumeCases(options: TargetContract): ContractCase[] {
  if (!options.can.resume) return [refuses(options)];
  return [
    ...CRASHES.map(([when, crash]): ContractCase => ({
      name: `going on after a crash doubles and loses nothing: ${when}`,
      run: () =>
        withScene(options, async (scene) => {
          const orders = scene.table("orders", ["pk", "sk:N"]);
          await crashed(scene, orders, crash);
          const next = await scene.open();
          await goOn(next, orders, crash.known);
          await finished(scene, next, orders, SEGMENTS * EACH);
        }),
    })),
    {
      name: "going on writes what has changed meanwhile",
      run: () =>
        withScene(options, async (scene) => {
          const orders = scene.table("orders", ["pk", "sk"]);
          const crash = { written: [50, 50, 50], known: [30, 30, 30] };
          await crashed(scene, orders, crash);
          const next = await scene.open();
          await goOn(next, orders, crash.known, 2);
          await next.index(orders);
          const parts = [0, 1, 2].flatMap((n) => [
            ...part(orders, n, 1).slice(0, 30),
            ...part(orders, n, 2).slice(30),
          ]);
          await scene.stored(orders, parts);
        }),
    },
    {
      name: "going on can be cut off and gone on with, again and again",
      run: () =>
        withScene(options, async (scene) => {
          const orders = scene.table("orders");
          const made = await crashed(scene, orders, { written: [20, 20, 20], known: [0, 0, 0] });
          for (const known of [10, 20, 30, 40]) {
            const opened = await scene.open();
            await opened.resume(orders, unitsOf(orders, [known, known, known]));
            for (let n = 0; n < SEGMENTS; n++) {
              await opened.writeAll(orders, part(orders, n).slice(known, known + 15), unitOf(orders, n));
            }
          }
          const next = await scene.open();
          assert.equal(
            await next.target.find(orders, next.ctx.signal),
            made,
            "find gives another identifier",
          );
          await goOn(next, orders, [50, 50, 50]);
          await finished(scene, next, orders, SEGMENTS * EACH);
        }),
    },
    {
      name: "going on after the indexes were built changes nothing",
      run: () =>
        withScene(options, async (scene) => {
          const orders = scene.table("orders", ["pk", "sk"]);
          await crashed(scene, orders, { written: [EACH, EACH, EACH], known: [] }, true);
          const next = await scene.open();
          await next.resume(orders, unitsOf(orders, [EACH, EACH, EACH]));
          await finished(scene, next, orders, SEGMENTS * EACH);
        }),
    },
    ...(options.can.keys ? [overwrites(options)] : []),
  ];
}

/** A process begins, writes so many items of each segment and is killed. Gives what it is found as. */
async function crashed(
  scene: Scene,
  table: Table,
  { written }: Crash,
  indexed: boolean = false,
): Promise<string> {
  const first = await scene.open();
  const made = await first.begin(table);
  await Promise.all(
    written.map((count, n) => first.writeAll(table, part(table, n).slice(0, count), unitOf(table, n))),
  );
  if (indexed) await first.index(table);
  return made;
}

/** Another process writes the rest of what is known to be written, in the same order. */
async function goOn(next: Opened, table: Table, known: number[], version: number = 1): Promise<void> {
  await next.resume(table, unitsOf(table, known));
  await Promise.all(
    known.map((count, n) => next.writeAll(table, part(table, n, version).slice(count), unitOf(table, n))),
  );
}

async function finished(scene: Scene, opened: Opened, table: Table, count: number): Promise<void> {
  const items = someItems(table, 0, count);
  await scene.stored(table, items);
  await opened.index(table);
  await scene.stored(table, items, "after the indexes");
  assert.equal(await opened.target.count(table, opened.ctx.signal), count, "count");
}

const unitOf = (table: Table, n: number): ReturnType<typeof segment> => segment(table, n, SEGMENTS);

function unitsOf(table: Table, known: number[]): Parameters<Opened["resume"]>[1] {
  return known.map((written, n) => ({ unit: unitOf(table, n), written }));
}

/** As `on_gap = resync` does it. */
function overwrites(options: TargetContract): ContractCase {
  return {
    name: "a finished table can be written over, all of it",
    run: () =>
      withScene(options, async (scene) => {
        const orders = scene.table("orders", ["pk", "sk"]);
        await crashed(scene, orders, { written: [EACH, EACH, 0], known: [] }, true);
        const next = await scene.open();
        await next.resume(orders, []);
        await next.writeAll(orders, someItems(orders, 0, SEGMENTS * EACH, 2));
        await next.index(orders);
        await scene.stored(orders, someItems(orders, 0, SEGMENTS * EACH, 2));
      }),
  };
}

function refuses(options: TargetContract): ContractCase {
  return {
    name: "resume, which the target can't, is refused",
    run: () =>
      withScene(options, async (scene) => {
        const orders = scene.table("orders");
        await crashed(scene, orders, { written: [20, 20, 20], known: [] });
        const next = await scene.open();
        const resuming = next.resume(orders, unitsOf(orders, [20, 20, 20]));
        await assert.rejects(
          resuming,
          "resume succeeds, so it has to keep records from doubling: can.resume",
        );
      }),
  };
}
