/** Tables that appear while others are followed. */
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { MigrationError } from "../../../core/errors.ts";
import { inParallel } from "../../../core/flow/parallel.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Source } from "../../../core/plugin/roles.ts";
import { describedTable, isUsable } from "./described-table.ts";
import { namedTables, selectQuietly } from "./table-names.ts";

/** DescribeTable calls at once. */
const DESCRIBES = 8;

/** How the source is asked. */
export interface Asking {
  list(signal: AbortSignal): Promise<string[]>;
  /** Undefined: there is none of that name. */
  describe(name: string, signal: AbortSignal): Promise<TableDescription | undefined>;
}

/** Makes `Source.newTables`. */
export function createNewTables(
  { config, log }: Context,
  { list, describe }: Asking,
): NonNullable<Source["newTables"]> {
  /** Those that may not be described, which is said once. */
  const denied = new Set<string>();

  async function granted(name: string, signal: AbortSignal): Promise<TableDescription | undefined> {
    try {
      return await describe(name, signal);
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code !== "SOURCE_DENIED") throw error;
      if (!denied.has(name))
        log.warn(`a new table isn't migrated, for it can't be described: ${error.message}`);
      denied.add(name);
      return undefined;
    }
  }

  return async (known, signal) => {
    const names = namedTables(config) ?? selectQuietly(await list(signal), config);
    const unknown = names.filter((name) => !known.has(name));
    const found = await inParallel(unknown, DESCRIBES, (name) => granted(name, signal));
    return found.filter((each) => each !== undefined && isUsable(each)).map((each) => describedTable(each!));
  };
}
