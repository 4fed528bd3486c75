/** `full.read.capacity`: what a table's scan may cost a second, and what a page has cost. */
import type { ScanCommandInput } from "@aws-sdk/client-dynamodb";
import type { Config } from "../../../core/config/config.ts";
import { createBudget } from "../../../core/flow/rate-limit.ts";
import type { Table } from "../../../core/types.ts";
import { ENOUGH } from "../../_dynamodb/page-limit.ts";

const MARK = '"ConsumedCapacity":';
/** Inside an item a type follows the name, `{"S":` and so on, and quotes in a string are escaped: no match. */
const CONSUMED = /^"ConsumedCapacity":\s*\{[^{}]*"CapacityUnits":\s*([\d.eE+-]+)/;
/** More than the longest table name and all members need. */
const MARK_BYTES = 1024;
/** It stands before or behind the items, with their last key beside it, which is shorter: those need no look. */
const END_BYTES = 8 * 1024;
const UNIT_BYTES = 4096;
/** A page ends there. */
const PAGE_BYTES = 1024 * 1024;
/** An item's size while nothing is known of a table. */
const ITEM_BYTES = 1024;

/** What a table's scan may use, over all its segments. */
export interface Capacity {
  /** Items to ask for in the next call, so that it costs no more than a second's worth. */
  readonly limit: number;
  /**
   * Waits until a call may be made.
   *
   * @returns to be called with the read capacity units it has used
   */
  take(signal: AbortSignal): Promise<(units: number) => void>;
  /** Learns from a page what calls cost. */
  learn(limit: number, units: number): void;
}

/** The budget of one table, of `full.read.capacity` units a second, whatever that is at the time. */
export function createCapacity(config: Config, table: Table): Capacity {
  const perSecond = (): number => config["full.read.capacity"] ?? Number.POSITIVE_INFINITY;
  const most = (): number => config["qps.full.batch_num"] ?? ENOUGH;
  const budget = createBudget(perSecond);
  const itemBytes = table.itemCount > 0 ? table.sizeBytes / table.itemCount : ITEM_BYTES;
  const consistent = config["full.read.consistent"];
  const items = Math.max(1, Math.min(most(), Math.floor(PAGE_BYTES / itemBytes)));
  let cost = unitsOf(items * itemBytes, consistent);
  /** Units an item has cost. */
  let each = cost / items;
  /** The last page of a segment is small and tells little: no more than twice as many next time. */
  let growth = Number.POSITIVE_INFINITY;

  function limit(): number {
    return Math.max(1, Math.min(most(), Math.floor(perSecond() / each), growth));
  }

  return {
    get limit() {
      return limit();
    },
    take: (signal) => budget.take(Math.min(cost, each * limit()), signal),
    learn(asked, units) {
      cost = units;
      each = units / asked;
      growth = 2 * asked;
    },
  };
}

/** What a page has cost, in read capacity units: as the service says, else from its size. */
export function consumedUnits(body: Buffer, { ConsistentRead }: ScanCommandInput): number {
  const ends =
    body.length > 2 * END_BYTES ? [body.subarray(0, END_BYTES), body.subarray(-END_BYTES)] : [body];
  for (const end of ends) {
    for (let at = end.indexOf(MARK); at >= 0; at = end.indexOf(MARK, at + 1)) {
      const [, units] = CONSUMED.exec(end.toString("latin1", at, at + MARK_BYTES)) ?? [];
      // An empty page costs something too: nothing may be free.
      if (Number(units) >= 0) return Math.max(Number(units), 0.5);
    }
  }
  return unitsOf(body.length, ConsistentRead ?? false);
}

function unitsOf(bytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / UNIT_BYTES)) * (consistent ? 1 : 0.5);
}
