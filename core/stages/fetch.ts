/** `fetch:after` for a page that is encoded already: as long as hooks only `keep`, no records are made. */
import type { Context } from "../plugin/context.ts";
import { type FetchAfterEvent, keepMatching } from "../plugin/hooks.ts";
import type { Page, SegmentUnit, SourceRecord } from "../types.ts";
import type { EncodedPage } from "../plugin/transcoder.ts";

/**
 * Calls the hooks.
 *
 * @returns the records, when a hook asked for them: the encoded page is taken back then
 */
export async function fetchEncoded(
  ctx: Context,
  unit: SegmentUnit,
  page: Page,
  encoded: EncodedPage,
): Promise<SourceRecord[] | undefined> {
  let records: SourceRecord[] | undefined;
  const made = (): SourceRecord[] => (records ??= encoded.undo().map((place) => page.records[place]!));
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
    keep(predicate) {
      // What is taken out doesn't count as overflowed either, and here nobody knows what was.
      const looks = encoded.keep !== undefined && encoded.overflowed === 0;
      if (records === undefined && looks) encoded.keep!(predicate);
      else records = keepMatching(made(), predicate);
    },
  };
  await ctx.call("fetch:after", event);
  return records;
}
