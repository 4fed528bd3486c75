/** Documents that an index refuses: it is taken away, once for all who meet it. */
import type { Db } from "mongodb";
import { createSemaphore } from "../../../core/flow/semaphore.ts";
import type { Context } from "../../../core/plugin/context.ts";
import { planIndexes } from "../../../core/schema/indexes.ts";
import type { SourceRecord, Table, TargetIndex } from "../../../core/types.ts";
import { type Destination, refused, type WriteError } from "./commands.ts";
import { makeFit } from "./indexes.ts";

/** See the top of the file. */
export interface Fitting {
  /** Indexes that this process was told to build. */
  planned(table: Table, indexes: TargetIndex[]): void;
  /** Takes away what refuses a document; throws where it is none of the table's own. */
  fit(table: Table, error: WriteError, record: SourceRecord, to: Destination): Promise<void>;
}

/** What {@link createFitting} takes. */
export interface FittingOptions {
  database: string;
  /** Names of tables of whose indexes it is said later what is in their way. */
  indexedFirst: ReadonlySet<string>;
  onDatabase: <T>(what: string, run: (db: Db) => Promise<T>) => Promise<T>;
}

/** Makes a target's. */
export function createFitting(ctx: Context, { database, indexedFirst, onDatabase }: FittingOptions): Fitting {
  const { log } = ctx;
  const told = new Map<string, TargetIndex[]>();
  const turn = createSemaphore(1);
  return {
    planned: ({ name }, indexes) => void told.set(name, indexes),
    async fit(table, error, record, to) {
      // An earlier process may have built indexes that today's settings leave out.
      const indexes = [...(told.get(table.name) ?? []), ...planIndexes(table, ctx.role("convert"), true)];
      const what = `mending the indexes of ${database}.${table.targetName}`;
      const warn = (message: string): void =>
        indexedFirst.has(table.name) ? log.debug(message) : log.warn(message);
      const fits = await turn.run(() =>
        onDatabase(what, (db) => makeFit(db, table, indexes, record.document!, warn)),
      );
      if (!fits) throw refused(error, record, to);
    },
  };
}
