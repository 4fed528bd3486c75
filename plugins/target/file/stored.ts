/** What is in a table's finished dump, to be compared with the source: see `Stored`. */
import { MigrationError } from "../../../core/errors.ts";
import type { Context } from "../../../core/plugin/context.ts";
import type { Stored, StoredPage } from "../../../core/plugin/stored.ts";
import type { Position, Table } from "../../../core/types.ts";
import { createBsonStored } from "../_stored-bson.ts";
import { faultsAmong } from "../mongodb/stored-indexes.ts";
import { exists } from "./disk.ts";
import { fittingIndexes } from "./indexes.ts";
import { indexesIn } from "./metadata.ts";
import type { TableFiles } from "./names.ts";
import { storedPages } from "./stored-pages.ts";
import { segmentsOf } from "./table.ts";

/** Keys that are looked for while the dump is read once. */
const KEYS_AT_ONCE = 10_000;

/** What {@link createStored} takes. */
export interface StoredOptions {
  filesOf: (table: Table) => TableFiles;
  /** Translates what the file system says. */
  onDisk: <T>(what: string, run: () => Promise<T>) => Promise<T>;
}

/** Makes it. It has no `remove`: a dump is written, and never changed. */
export function createStored(ctx: Context, { filesOf, onDisk }: StoredOptions): Stored {
  const bson = createBsonStored(ctx, { madeIds: false });

  /** The documents from an offset on; none where nothing is there. */
  async function* read(
    table: Table,
    from: Position | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<StoredPage> {
    const files = filesOf(table);
    if (!(await isFinished(files))) return;
    const start = Number(from?.["at"]?.N ?? 0);
    const pages = storedPages(files.bson, start, signal)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await onDisk(`reading ${files.bson}`, () => pages.next());
      if (done === true) return;
      const { end, ...page } = value;
      yield { ...page, position: end === undefined ? undefined : { at: { N: String(end) } } };
    }
  }

  async function isFinished(files: TableFiles): Promise<boolean> {
    return onDisk(`looking for ${files.bson}`, async () => {
      const parts = await segmentsOf(files);
      if (parts.length === 0) return exists(files.bson);
      throw new MigrationError("TARGET_FAILED", `the dump isn't finished: ${files.part(parts[0]!)}`, {
        hint: "run the migration to its end first",
      });
    });
  }

  return {
    encode: bson.encode,
    digest: bson.digest,
    keyOf: bson.keyOf,
    decode: bson.decode,
    idOf: bson.idOf,
    read,

    keysAtOnce: KEYS_AT_ONCE,
    // There is no index: all documents go by once, whatever number of keys is looked for.
    async find(table, records, signal) {
      const found: Uint8Array[][] = records.map(() => []);
      if (records.length === 0) return found;
      const texts = bson.keyTextsOf(records, table);
      const byKey = Map.groupBy(records.keys(), (index) => texts[index]!);
      for await (const { bytes, ends } of read(table, undefined, signal)) {
        bson.keyTexts(table, bytes, ends).forEach((text, i) => {
          const indexes = text === undefined ? undefined : byKey.get(text);
          if (indexes === undefined) return;
          const document = bytes.slice(ends[i - 1] ?? 0, ends[i]);
          for (const index of indexes) found[index]!.push(document);
        });
      }
      return found;
    },

    async indexes(table, wanted, signal) {
      const files = filesOf(table);
      return onDisk(`reading ${files.metadata}`, async () => {
        const there = await indexesIn(files.metadata);
        const faults = faultsAmong(there, wanted);
        if (faults.length === 0 || !(await isFinished(files))) return faults;
        // The data is only looked at where something is missing: what it can't have was left out.
        const fitting = await fittingIndexes(files.bson, wanted, { signal, warn: () => {} });
        return faultsAmong(there, fitting);
      });
    },
  };
}
