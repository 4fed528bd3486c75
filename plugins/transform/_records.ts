/** Editing records and their images, once each, with what is known of their table. */
import type { Context } from "../../core/plugin/context.ts";
import type { Item, SourceRecord, Table } from "../../core/types.ts";

/** What a table's records go through. */
export interface RecordEditor {
  /** Gives an image's successor, new or the same object. */
  image(item: Item, record: SourceRecord): Item;
  /** The same for `keys`. */
  keys?(keys: Item): Item;
}

/**
 * Edits the images of every record, old ones too, as soon as they have arrived.
 *
 * @param editor is asked once per table; undefined: the table's records stay as they are
 */
export function editRecords(ctx: Context, editor: (table: Table) => RecordEditor | undefined): void {
  const editors = new Map<string, RecordEditor | undefined>();
  const done = new WeakSet<SourceRecord>();
  ctx.hook("fetch:after", ({ table, records }) => {
    if (!editors.has(table.name)) editors.set(table.name, editor(table));
    const edit = editors.get(table.name);
    if (edit === undefined) return;
    for (const record of records) {
      // A record that comes by again is edited already: a second edit would change it once more.
      if (done.has(record)) continue;
      done.add(record);
      if (record.item !== undefined) record.item = edit.image(record.item, record);
      if (record.oldItem !== undefined) record.oldItem = edit.image(record.oldItem, record);
      if (edit.keys !== undefined) record.keys = edit.keys(record.keys);
    }
  });
}
