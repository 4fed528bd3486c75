/** The command `verify`: the tables of a migration are found as a run finds them, and compared with their copies. */
import { MigrationError } from "../errors.ts";
import { trackTable } from "../progress/progress.ts";
import type { Table } from "../types.ts";
import { type Verdict, verifyTables, type VerifyOptions } from "../verify/verify.ts";
import { findTables } from "./prepare.ts";
import { inSession } from "./session.ts";
import { checkCopied, checkRepair, loadCopied } from "./verify-checks.ts";
import { fillRoles } from "./fill-roles.ts";
import type { MigrateOptions } from "./run.ts";

export type { Verdict } from "../verify/verify.ts";

/** What {@link runVerify} takes. */
export interface RunVerifyOptions
  extends MigrateOptions, Omit<VerifyOptions, "follower" | "fresh" | "progress" | "name" | "keptAs"> {
  /** The tables to compare, by the source's names; undefined: all of the migration. */
  only?: readonly string[] | undefined;
  /** Of so many processes that share the tables, this one's number, from 1. */
  part?: Part | undefined;
}

/** One of several processes. */
export interface Part {
  /** From 1. */
  index: number;
  of: number;
}

/**
 * Compares a migration's source with its target.
 *
 * @throws MigrationError when a side can't be read, or nothing is there to compare
 */
export function runVerify(options: RunVerifyOptions): Promise<Verdict> {
  return inSession(options, async ({ ctx, lease, config }) => {
    // Its conversion is the one that has made the copy, whatever is begun anew here.
    await fillRoles(ctx, config, { ...options, fresh: false });
    const tables = chosen(await findTables(ctx), options);
    for (const table of tables) trackTable(ctx.progress, table);
    await ctx.role("target").check(tables, ctx.signal);
    const copied = await loadCopied(ctx, tables);
    await checkCopied(ctx, copied);
    if (options.repair !== undefined) {
      await checkRepair(ctx, copied);
      await lease.take();
    }
    return verifyTables(ctx, tables, {
      ...options,
      fresh: options.fresh ?? false,
      follower: options.repair === undefined ? "another" : "nobody",
      progress: ctx.progress,
      name: nameOf(config.id, options.part),
      keptAs: "verify",
    });
  });
}

/** What a comparison's files begin with; each part has its own. */
export function nameOf(id: string, part: Part | undefined): string {
  return part === undefined ? id : `${id}-${part.index}-of-${part.of}`;
}

/** Those of the tables that are asked for. */
function chosen(tables: Table[], { only, part }: RunVerifyOptions): Table[] {
  const names = new Set(tables.map(({ name }) => name));
  const missing = only?.filter((name) => !names.has(name)) ?? [];
  if (missing.length > 0) {
    const known = [...names].slice(0, 10).join(", ");
    throw new MigrationError("TABLE_MISSING", `no such table in this migration: ${missing.join(", ")}`, {
      hint: `the tables are ${known}${names.size > 10 ? ", …" : ""}`,
    });
  }
  const wanted = only === undefined ? tables : tables.filter(({ name }) => only.includes(name));
  const ours = part === undefined ? wanted : wanted.filter((_, i) => i % part.of === part.index - 1);
  if (ours.length > 0) return ours;
  throw new MigrationError("TABLE_MISSING", `part ${part?.index} of ${part?.of} has no table`, {
    hint: `there are ${wanted.length} tables: make no more parts`,
  });
}
