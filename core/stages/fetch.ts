/** `fetch:after`: what hooks leave of a page, as records or encoded. */
import { MigrationError } from "../errors.ts";
import type { Context } from "../plugin/context.ts";
import type { FetchAfterEvent, KeepOptions } from "../plugin/hooks.ts";
import type { Item, Page, SegmentUnit, SourceRecord, Unit } from "../types.ts";
import { checkLeft } from "./left-records.ts";
import type { EncodedPage } from "../plugin/transcoder.ts";

/** Calls the hooks with records; gives those that are left. */
export async function fetchRecords(
  ctx: Context,
  unit: Unit,
  records: SourceRecord[],
): Promise<SourceRecord[]> {
  if (!ctx.listens("fetch:after")) return records;
  const event = fetchAfterEvent(unit, records);
  await ctx.call("fetch:after", event);
  const left: unknown = event.records;
  checkLeft("fetch:after", left, unit.table);
  return left;
}

/**
 * Calls the hooks for a page that is encoded already: as long as they only `keep`, no records are made.
 *
 * @returns the records, when a hook asked for them: the encoded page is taken back then; and whether a predicate may have
 *   kept items, which are read from the page
 */
export async function fetchEncoded(
  ctx: Context,
  unit: SegmentUnit,
  page: Page,
  encoded: EncodedPage,
): Promise<{ records: SourceRecord[] | undefined; isHeld: boolean }> {
  let isHeld = false;
  let records: SourceRecord[] | undefined;
  const made = (): SourceRecord[] => (records ??= encoded.takeBack().map((place) => page.records[place]!));
  const event: FetchAfterEvent = {
    phase: unit.phase,
    table: unit.table,
    unit,
    get records() {
      return made();
    },
    set records(replaced) {
      made();
      records = replaced;
    },
    keep(predicate, { holdsItems = true }: KeepOptions = {}) {
      isHeld ||= holdsItems;
      // What is taken out doesn't count as overflowed either, and here nobody knows what was.
      const inspectable = encoded.keep !== undefined && encoded.overflowed === 0;
      const decides = decided(predicate);
      if (records === undefined && inspectable) encoded.keep!(decides);
      else records = keepMatching(made(), decides);
    },
  };
  await ctx.call("fetch:after", event);
  if (records !== undefined) checkLeft("fetch:after", records, unit.table);
  return { records, isHeld };
}

/** Makes the {@link FetchAfterEvent} of a page. */
export function fetchAfterEvent(unit: Unit, records: SourceRecord[]): FetchAfterEvent {
  return {
    phase: unit.phase,
    table: unit.table,
    unit,
    records,
    keep(predicate) {
      this.records = keepMatching(this.records, decided(predicate));
    },
  };
}

/** A predicate that says yes or no: a promise would count as yes, and keep everything. */
function decided(predicate: (item: Item) => boolean): (item: Item) => boolean {
  return (item) => {
    const answer: unknown = predicate(item);
    if (typeof answer !== "object" || answer === null || !("then" in answer)) return answer as boolean;
    throw new MigrationError("HOOK_FAILED", "the predicate of a fetch:after hook's keep gives a promise", {
      hint: "let it give true or false; what takes time is done before, in the hook itself",
    });
  };
}

/** The records that `keep` leaves. */
export function keepMatching(records: SourceRecord[], predicate: (item: Item) => boolean): SourceRecord[] {
  return records.filter((record) => keepRecord(record, predicate));
}

/** Whether a record stays; one that leaves or enters the filter is turned into a delete or an insert. */
function keepRecord(record: SourceRecord, predicate: (item: Item) => boolean): boolean {
  const before = record.oldItem !== undefined && predicate(record.oldItem);
  const after = record.item !== undefined && predicate(record.item);
  // Of a change without its old image nobody knows whether the item was in the filter: deleting is safe.
  const leaves = before || (record.event === "MODIFY" && record.oldItem === undefined);
  if (record.op === "put" && !after && leaves) {
    record.op = "delete";
    record.event = "REMOVE";
    delete record.item;
    return true;
  }
  if (record.op === "put" && after && !before && record.event === "MODIFY") record.event = "INSERT";
  // A delete without an old image may concern an item that is there: it stays.
  return record.op === "delete" ? before || record.oldItem === undefined : after;
}
