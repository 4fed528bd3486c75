/** Where the items of a page's body stand, for the short ways of all converters. */
import type { Page } from "../../core/types.ts";

const ITEMS = '"Items":[';

/** A page's body, and where its list of items begins, behind the bracket; undefined: it has only records. */
export function itemList({ body }: Page): { body: Buffer; start: number } | undefined {
  const at = body?.indexOf(ITEMS) ?? -1;
  if (body === undefined || at < 0) return undefined;
  // Another list of that name may stand inside another member.
  const isAnswers = membersIn(`${body.toString("utf8", 0, at)}"":0}`) !== undefined;
  return isAnswers ? { body, start: at + ITEMS.length } : undefined;
}

/** Whether an answer's list of items ends there, and what follows is the rest of that answer and no other list. */
export function endsItemList(body: Buffer, end: number): boolean {
  const rest = membersIn(`{"":0${body.toString("utf8", end)}`);
  return rest !== undefined && !Object.hasOwn(rest, "Items");
}

function membersIn(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
