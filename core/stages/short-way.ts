/** Whether what is read may go to the target without records between, in both phases. */
import type { Context } from "../plugin/context.ts";
import { keyAttributes } from "../schema/keys.ts";
import type { Table } from "../types.ts";

/** The hooks that see records, `error` to leave some out: with one of them in use, records have to be made. */
const RECORD_HOOKS = ["convert:before", "convert:after", "write:before", "write:after", "error"] as const;

/** Whether nobody wants to see a table's records, and its keys keep their names: whoever gives one another name gives it to the records too. */
export function needsNoRecords(ctx: Context, table: Table): boolean {
  if (RECORD_HOOKS.some(ctx.listens)) return false;
  return keyAttributes(table).every(({ targetName }) => targetName === undefined);
}
