/** What is at the target under the names of a start's tables: looked at while the checkpoint is read, once for all who ask. */
import { inParallel } from "../flow/parallel.ts";
import type { Context } from "../plugin/context.ts";
import type { Table } from "../types.ts";

/** Tables looked at at once. */
const LOOKS = 32;

/** Tells what `Target.find` tells of a table. */
export type TargetLook = (table: Table) => Promise<string | undefined>;

/** See the top of the file. Disposing it leaves out the tables that nobody was looked for yet, and waits for the others. */
export interface TargetLooks extends AsyncDisposable {
  find: TargetLook;
}

/** Looks each time that it is asked. */
export const lookNow =
  (ctx: Context): TargetLook =>
  (table) =>
    ctx.role("target").find(table, ctx.signal);

/** Begins to look, in the order of the tables. What fails is thrown to who asks for that table. */
export function lookAtTarget(ctx: Context, tables: readonly Table[]): TargetLooks {
  const look = lookNow(ctx);
  const looks = new Map(tables.map((table) => [table, Promise.withResolvers<string | undefined>()] as const));
  for (const { promise } of looks.values()) promise.catch(() => {});
  let isOver = false;
  const looking = inParallel(looks, LOOKS, async ([table, { resolve, reject }]) => {
    if (!isOver) await look(table).then(resolve, reject);
  });
  return {
    find: (table) => looks.get(table)?.promise ?? look(table),
    async [Symbol.asyncDispose]() {
      isOver = true;
      await looking;
    },
  };
}
