/** Where the items of a page's body begin, for the short ways of all converters. */
import type { Page } from "../../core/types.ts";

const ITEMS = '"Items":[';

/** A page's body, and where its list of items begins, behind the bracket; undefined: it has only records. */
export function itemList({ body }: Page): { body: Buffer; start: number } | undefined {
  const at = body?.indexOf(ITEMS) ?? -1;
  return body === undefined || at < 0 ? undefined : { body, start: at + ITEMS.length };
}
