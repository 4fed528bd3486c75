/** Plugins that never come back, wherever they are called: a stop ends the run all the same, and says which plugin it was. */
import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsola } from "consola";
import { MigrationError } from "../../core/errors.ts";
import type { HookName } from "../../core/plugin/hooks.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Checkpoint, ShardReader, Source, Streams, Target } from "../../core/plugin/roles.ts";
import type { SourceRecord } from "../../core/types.ts";
import { runMigration } from "../../core/run/run.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import {
  memoryCheckpoint,
  memorySource,
  memoryTarget,
  numbered,
  page,
  testConfig,
  testTable,
} from "../fakes/context.ts";

const TABLE = testTable("pk");
/** As long as the run waits in all after a stop, in ms; 7,000 outside of tests. */
const GRACE = 50;
/** On a machine that does much else. */
const LONGEST = 4000;

const HOOKS: HookName[] = [
  "setup",
  "table:before",
  "table:after",
  "fetch:before",
  "fetch:after",
  "convert:before",
  "convert:after",
  "write:before",
  "write:after",
  "index:before",
  "index:after",
  "checkpoint:before",
  "checkpoint:after",
  "error",
  "close",
];
/** With `poll` and `apply` a shard of a stream is followed. */
const FOLLOWING = ["streams.open", "streams.shards", "streams.read.poll", "streams.close", "target.apply"];
const METHODS: [role: string, method: string][] = [
  ...["tables", "describe", "read", "next", "return", "close"].map(
    (name) => ["source", name] as [string, string],
  ),
  ...["check", "find", "create", "write", "index", "count", "close"].map(
    (name) => ["target", name] as [string, string],
  ),
  ...["check", "load", "save", "close"].map((name) => ["checkpoint", name] as [string, string]),
];

/** What comes of a run whose plugins hang at one place. */
interface Ended {
  failure: unknown;
  warnings: string;
  /** After its stop, in ms. */
  took: number;
}

async function hung(
  hangs: (reached: () => void) => Plugin[],
  settings: Record<string, string>,
): Promise<Ended> {
  const stopping = new AbortController();
  const warnings: string[] = [];
  const log = createConsola({
    level: 1,
    reporters: [{ log: ({ args }) => void warnings.push(args.join(" ")) }],
  });
  let stoppedAt = 0;
  const reached = (): void =>
    void setTimeout(() => {
      stoppedAt = performance.now();
      stopping.abort(new MigrationError("INTERRUPTED", "stopped"));
    }, 5);
  const failure: unknown = await runMigration({
    builtins: builtinPlugin,
    config: testConfig({ id: "hangs", ...settings }),
    log,
    grace: GRACE,
    signal: stopping.signal,
    plugins: hangs(reached),
  }).catch((error: unknown) => error);
  return { failure, warnings: warnings.join("\n"), took: performance.now() - stoppedAt };
}

const NEVER = new Promise<never>(() => {});

function roles(place: string, reached: () => void, isFailing: boolean): Plugin {
  const hang = (): Promise<never> => {
    reached();
    return NEVER;
  };
  const source: Source = {
    ...memorySource([
      async function* (_unit, { beforeRequest }) {
        await beforeRequest({});
        if (place === "source.next") yield hang();
        try {
          yield page(numbered(TABLE, 0, 2));
        } finally {
          if (place === "source.return") await hang();
        }
      },
    ]),
    tables: async () => [TABLE],
  };
  const target: Target = memoryTarget(async () => {
    if (isFailing) throw new MigrationError("TARGET_FAILED", "refused");
  });
  target.apply = async () => ({ inserted: 1, replaced: 0, deleted: 0, duplicates: 0, ms: 0 });
  const checkpoint: Checkpoint = memoryCheckpoint();
  const keys = { pk: { S: "new" } };
  const change: SourceRecord = { op: "put", event: "INSERT", keys, item: keys, sequenceNumber: "1" };
  const reader: ShardReader = {
    async poll() {
      if (place.endsWith("poll")) return hang();
      if (place === "streams.close") reached();
      await sleep(1);
      return { records: [{ ...change }], bytes: 10, tip: true, ended: false, sentAt: Date.now() };
    },
  };
  const streams: Streams = {
    open: async () => "stream",
    shards: async () => [{ id: "shard" }],
    children: async () => [],
    read: () => reader,
  };
  const all = { source, target, checkpoint, streams } as unknown as Record<string, Record<string, unknown>>;
  const [role, method] = place.split(/\.(.*)/) as [string, string];
  const isGiven = Object.hasOwn(all, role) && !["next", "return", "read.poll"].includes(method);
  if (isGiven)
    all[role]![method] =
      method === "read" ? () => ({ [Symbol.asyncIterator]: () => ({ next: hang }) }) : hang;
  return {
    name: "sides",
    setup(ctx) {
      ctx.provide("source", source);
      ctx.provide("target", target);
      ctx.provide("checkpoint", checkpoint);
      ctx.provide("streams", streams);
    },
  };
}

function expectEnded({ failure, warnings, took }: Ended, who: string): void {
  expect(failure).toMatchObject({ code: "INTERRUPTED" });
  expect(warnings).toContain(`${who} doesn't come back, though the run is to stop`);
  expect(took).toBeLessThan(LONGEST);
}

describe("a stop ends a run", () => {
  test.each(HOOKS)("whose hook %s hangs", async (name) => {
    const ended = await hung(
      (reached) => [
        {
          name: "hanging",
          setup: (ctx) =>
            ctx.hook(name, () => {
              reached();
              return NEVER;
            }),
        },
        roles("", reached, name === "error"),
      ],
      {},
    );
    expectEnded(ended, `the ${name} hook of plugin hanging`);
  });

  test("whose plugin hangs in its setup", async () => {
    const ended = await hung(
      (reached) => [
        {
          name: "hanging",
          setup() {
            reached();
            return NEVER;
          },
        },
      ],
      {},
    );
    expectEnded(ended, "the setup of plugin hanging");
  });

  test.each(METHODS)("whose %s hangs in %s", async (role, method) => {
    const ended = await hung((reached) => [roles(`${role}.${method}`, reached, false)], {});
    expectEnded(
      ended,
      `${role} of plugin sides.${method === "next" || method === "return" ? "read" : method}`,
    );
  });

  test.each(FOLLOWING)("whose %s hangs", async (place) => {
    const ended = await hung((reached) => [roles(place, reached, false)], { sync_mode: "all" });
    expectEnded(ended, place.replace(".", " of plugin sides."));
  });
});
