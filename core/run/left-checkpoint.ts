/** What a migration has in its checkpoint, what it says of the migration's end, and how it goes. */
import { readState, runSchema } from "../checkpoint/run-state.ts";
import { MigrationError } from "../errors.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import type { Leftover } from "./leftover.ts";

/** Calls to it at once. */
const LANES = 8;
/** The kinds of names in the order in which they are forgotten: what tells of the others goes last. */
const ORDER = ["shards", "status", "verify", "verify-run", "stream", "enabled", "table", "run"];

/** What is kept of a migration in its checkpoint. */
export interface Kept {
  names: string[];
  /** There is a lease, or the like, beside them. */
  rest: boolean;
  /** Where NimoShake's status is that stays. */
  shared?: string;
}

/** What is kept, as the checkpoint knows it; one that doesn't is asked for what the source's tables would have there. */
export async function findKept(ctx: Context): Promise<Kept> {
  const store = ctx.role("checkpoint");
  if (store.left !== undefined) return store.left();
  const tables = await ctx.role("source").tables(ctx.signal);
  const perTable = ["shards", "verify", "verify-run", "stream", "enabled", "table"];
  const names = ["run", "status", ...tables.flatMap(({ name }) => perTable.map((kind) => `${kind}:${name}`))];
  const there = await inParallel(names, LANES, async (name) => (await store.load(name)).size > 0);
  return { names: names.filter((_, i) => there[i]), rest: false };
}

/** Why the migration isn't over, as far as the checkpoint says; undefined: it is, or nothing is known of it. */
export async function unfinished(ctx: Context, { names }: Kept): Promise<string | undefined> {
  if (!names.includes("run")) return undefined;
  const store = ctx.role("checkpoint");
  const saved = (await store.load("run")).get("run");
  const run = understood(() => readState(runSchema, saved, store.place));
  if (run === undefined) return "as far as can be told: the checkpoint can't be understood";
  if (run.finishedAt !== undefined || run.switchedOverAt !== undefined) return undefined;
  if (run.copiedAt === undefined) return "its tables aren't all copied";
  return "changes are followed, and no switch-over has ended that";
}

/** Reads a state; what can't be understood must not keep it from being removed. */
export function understood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MigrationError && error.code === "CHECKPOINT_MISMATCH") return undefined;
    throw error;
  }
}

/** What stays in it for others, and all the rest as one thing that was left; what tells of the other things goes last. */
export function leftCheckpoint(ctx: Context, kept: Kept): Leftover[] {
  const { names, rest, shared } = kept;
  return [
    ...(shared === undefined ? [] : [leftStatus(shared)]),
    ...(names.length > 0 || rest ? [leftStates(ctx, kept)] : []),
  ];
}

function leftStatus(where: string): Leftover {
  return {
    side: "checkpoint",
    what: "the status that NimoShake reads",
    where,
    stays: "there are positions of other tables beside it, which NimoShake would copy again without it",
    remove: async () => {},
  };
}

function leftStates(ctx: Context, { names }: Kept): Leftover {
  const store = ctx.role("checkpoint");
  const originals = names.filter((name) => name.startsWith("shards:") || name === "status").length;
  return {
    side: "checkpoint",
    what:
      originals > 0
        ? `the checkpoint, with positions that NimoShake reads in ${ctx.config["checkpoint.db"]}`
        : "the checkpoint",
    where: store.place,
    async remove() {
      const rank = (name: string): number => ORDER.indexOf(name.split(":", 1)[0]!);
      for (const kind of new Set(names.map(rank).sort((a, b) => a - b))) {
        await inParallel(
          names.filter((name) => rank(name) === kind),
          LANES,
          (name) => store.clear(name),
        );
      }
      await store.vacate?.();
    },
  };
}
