/**
 * The two ways of a shard's changes from their pages to the target: as records, which hooks may see, or encoded at once
 * ("the short way"), where nobody wants to see them.
 */
import { collapse, collapseBy } from "./collapse.ts";
import type { ChangeBatch, ChangeEncoder, EncodedChange, EncodedChanges } from "../plugin/changes.ts";
import type { Context } from "../plugin/context.ts";
import { debugWrite } from "../plugin/debug.ts";
import { convertRecords } from "../stages/convert.ts";
import { inParallel } from "../flow/parallel.ts";
import { checkedResult } from "../plugin/returned.ts";
import { ENCODED_CHANGES, OBJECTS } from "../flow/memory-budget.ts";
import { findOverflowed } from "../stages/overflowed.ts";
import { needsNoRecords } from "../stages/short-way.ts";
import { beforeWrite, sum, writeOut } from "../stages/write.ts";
import type { ShardUnit, SourceRecord, StreamPage, WriteResult } from "../types.ts";

/** A batch is written in pieces of so many, side by side: their keys differ. */
const PIECE = 1000;
const PIECES_AT_ONCE = 4;

/** Changes that are written together, in stream order, all of them by one way. */
export type Bundle =
  | { way: "records"; changes: SourceRecord[] }
  | { way: "encoded"; changes: EncodedChange[]; pages: EncodedChanges[] };

/** What became of a page. */
export interface Taken {
  bundle: Bundle;
  /** Numbers not held exactly. */
  overflowed: number;
}

/** See the top of the file. */
export interface Ways {
  /** So many times its bytes a page takes in memory; it may change with each page. */
  readonly weight: number;
  /** Converts a page's changes, by the short way where it can be gone. */
  take(page: StreamPage): Promise<Taken>;
  /** Writes changes, collapsed; gives how many hooks have left out. */
  write(bundle: Bundle): Promise<number>;
}

/** Changes and those behind them as one bundle, missing when there are none; apart: they go different ways. */
export function joined(first: Bundle | undefined, then: Bundle | undefined): Bundle | undefined | "apart" {
  if (then === undefined || then.changes.length === 0) return first;
  if (first === undefined) return then;
  if (first.way === "records" && then.way === "records") {
    return { way: "records", changes: first.changes.concat(then.changes) };
  }
  if (first.way === "encoded" && then.way === "encoded") {
    const pages = first.pages.concat(then.pages);
    return { way: "encoded", changes: first.changes.concat(then.changes), pages };
  }
  return "apart";
}

/** A shard's. */
export function createWays(ctx: Context, unit: ShardUnit): Ways {
  const { table } = unit;
  const target = ctx.role("target");
  const encoder = shortWay(ctx, unit);
  let weight = encoder === undefined ? OBJECTS : ENCODED_CHANGES;

  async function writeRecords(changes: SourceRecord[]): Promise<number> {
    const records = await beforeWrite(ctx, unit, collapse(changes, table.keys));
    if (records.length === 0) return 0;
    const apply = (some: SourceRecord[]): Promise<WriteResult> =>
      inPieces(some, (piece) => target.apply!({ unit, records: piece }, ctx.abandon));
    const written = await writeOut(ctx, unit, records, apply);
    return records.length - written.records.length;
  }

  async function writeEncoded(changes: EncodedChange[], pages: EncodedChanges[]): Promise<number> {
    const send = (piece: EncodedChange[]): Promise<WriteResult> =>
      target.applyEncoded!({ unit, changes: piece, record }, ctx.abandon);
    const result = await inPieces(
      collapseBy(changes, ({ key }) => key),
      send,
    );
    // Of what has failed in part the rest may be on its way.
    for (const page of pages) page.release?.();
    debugWrite(ctx, unit, result);
    return 0;
  }

  const record: ChangeBatch["record"] = ({ raw, event, replayed }) => {
    const made: SourceRecord = { ...raw.record(), event, ...(replayed && { replayed }) };
    ctx.role("convert").convert([made], table);
    return made;
  };

  return {
    get weight() {
      return weight;
    },
    async take(page) {
      const encoded = page.changes && encoder?.encode(page.changes);
      if (encoded === undefined) {
        weight = OBJECTS;
        const { records, overflowed } = await convertRecords(ctx, unit, page.records);
        return { bundle: { way: "records", changes: records }, overflowed };
      }
      weight = ENCODED_CHANGES;
      const { changes, overflowed } = encoded;
      findOverflowed(ctx, table, overflowed, () => page.records);
      return { bundle: { way: "encoded", changes, pages: [encoded] }, overflowed };
    },
    write: (bundle) =>
      bundle.way === "records" ? writeRecords(bundle.changes) : writeEncoded(bundle.changes, bundle.pages),
  };
}

/** From the bytes that bring changes to the target's without records between, where nobody wants to see them. */
function shortWay(ctx: Context, unit: ShardUnit): ChangeEncoder | undefined {
  if (ctx.role("target").applyEncoded === undefined || ctx.listens("fetch:after")) return undefined;
  if (!needsNoRecords(ctx, unit.table)) return undefined;
  return ctx.role("convert").changes?.(unit);
}

async function inPieces<Change>(
  changes: Change[],
  apply: (piece: Change[]) => Promise<WriteResult>,
): Promise<WriteResult> {
  const pieces = Array.from({ length: Math.ceil(changes.length / PIECE) }, (_, i) =>
    changes.slice(i * PIECE, (i + 1) * PIECE),
  );
  return sum(await inParallel(pieces, PIECES_AT_ONCE, async (piece) => checkedResult(await apply(piece))));
}
