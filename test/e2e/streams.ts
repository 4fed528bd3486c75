/** Runs over streams with a scripted life. */
import { expectVerified } from "./equal.ts";
import { eventually } from "./eventually.ts";
import { expect } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { MigrateOptions } from "../../core/run/run.ts";
import { startStandIn } from "../stand-in/dynamodb.ts";
import type { Streams } from "../stand-in/streams.ts";
import type { Outcome, Scenario, Settings } from "./helpers.ts";

const SECOND = 1000;

/** A generator of whole numbers below a limit; the same seed gives the same ones. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** So many random changes of `t`. */
export function change(streams: Streams, random: (below: number) => number, count: number): void {
  for (let n = 0; n < count; n++) {
    const pk = `k${random(60)}`;
    if (random(4) === 0) streams.remove("t", pk);
    else streams.put("t", { pk: { S: pk }, n: { N: String(random(1_000_000)) } });
  }
}

/** A migration in this process that can be stopped. */
export interface Followed {
  done: Promise<Outcome>;
  stop(): Promise<void>;
  /** What it was started with, so that it can be verified. */
  settings: Settings;
  options: Partial<MigrateOptions>;
}

/** Starts one over a scripted source, with `sync_mode = all`. */
export function follow(
  s: Scenario,
  streams: Streams,
  settings: Settings = {},
  options: Partial<MigrateOptions> = {},
): Followed {
  const stop = new AbortController();
  const all: Settings = {
    sync_mode: "all",
    "incr_sync.http_port": -1,
    "source.endpoint_url": streams.source.endpoint,
    "filter.collection.white": "",
    ...settings,
  };
  const done: Promise<Outcome> = s.attempt(all, {
    signal: stop.signal,
    patience: 8 * SECOND,
    ...options,
  });
  return {
    done,
    settings: all,
    options,
    async stop(): Promise<void> {
      stop.abort(new Error("enough"));
      await done;
    },
  };
}

/**
 * Waits until a run has noted its positions, which is before its first Scan: what changes now is in the stream.
 *
 * @param scans of earlier runs
 */
export function positionsNoted(streams: Streams, scans = 0): Promise<void> {
  return eventually(() => expect(streams.source.count("Scan")).toBeGreaterThan(scans));
}

/** Keys and numbers as they should be at the target. */
export const expectedOf = (streams: Streams): Record<string, string> =>
  Object.fromEntries(
    [...streams.model("t")].map(([pk, item]) => [pk, (item["n"] as { N: string }).N]).sort(),
  );

/** Keys and numbers there; no key is there twice. */
export async function foundAt(s: Scenario): Promise<Record<string, string>> {
  const documents = await s.db.collection("t").find().toArray();
  expect(new Set(documents.map(({ pk }) => pk as string)).size).toBe(documents.length);
  return Object.fromEntries(documents.map(({ pk, n }) => [String(pk), String(n)]).sort());
}

/** Waits until the target is as the model is; `verify` has to say the same. */
export async function expectModel(s: Scenario, streams: Streams, run: Followed): Promise<void> {
  const deadline = Date.now() + 40 * SECOND;
  let ended: Outcome | undefined;
  run.done.then((outcome) => (ended = outcome)).catch(() => {});
  while (!Bun.deepEquals(await foundAt(s), expectedOf(streams)) && Date.now() < deadline) {
    if (ended !== undefined) throw new Error(`the run ended: ${ended.stderr}`);
    await sleep(30);
  }
  expect(await foundAt(s)).toEqual(expectedOf(streams));
  await verifyModel(s, streams, run);
}

/** Against the same source without its faults: what a test counts and spoils stays as it is. */
async function verifyModel(s: Scenario, streams: Streams, { settings, options }: Followed): Promise<void> {
  await using source = await startStandIn({ tables: { t: { items: [] } }, misbehave: streams.right });
  const { plugins = [] } = options;
  const all = { ...settings, "filter.collection.white": "t", "source.endpoint_url": source.endpoint };
  const { size } = streams.model("t");
  // As long as the run copies or builds indexes it is refused, or these are missing.
  await eventually(() => expectVerified(s, size, all, { plugins }), 10 * SECOND);
}
