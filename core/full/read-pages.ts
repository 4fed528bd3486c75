/** The pages of one segment, as the source gives them. */
import type { Context } from "../plugin/context.ts";
import { checkPage } from "../plugin/returned.ts";
import type { Leave } from "../flow/gate.ts";
import { runStep } from "../stages/error-policy.ts";
import type { Held, UnitMemory } from "../flow/memory-budget.ts";
import { createPageRoom } from "../flow/page-room.ts";
import type { Page, Position, SegmentUnit } from "../types.ts";

/** A page, and the memory that it takes until its documents wait for their batch. */
export interface HeldPage {
  page: Page;
  room: Held;
  /** Tells the gate that somebody else answers for the page. */
  leave: Leave;
}

/**
 * A segment's pages; a reader that failed and is to go on is opened anew behind the last page.
 *
 * @param memory where each page's room comes from, before its request is sent
 * @param weight so many times its bytes the next page takes
 */
export async function* readPages(
  ctx: Context,
  unit: SegmentUnit,
  from: Position | undefined,
  memory: UnitMemory,
  weight: () => number,
): AsyncGenerator<HeldPage, void> {
  const { phase, table } = unit;
  let position = from;
  const room = createPageRoom(memory, weight);
  let leave: Leave | undefined;
  /** Pages that were asked for and that nobody has taken. */
  const untaken = new Set<Leave>();
  const beforeRequest = async (request: object): Promise<void> => {
    await ctx.call("fetch:before", { phase, table, unit, request });
    await room.reserve(ctx.signal);
    // Who has waited for room gives it back while the run is paused: others may need it.
    while (ctx.gate.isClosed) {
      stayOut();
      await comeIn();
      await room.reserve(ctx.signal);
    }
  };

  /** Waits while the run is paused. */
  async function comeIn(): Promise<void> {
    if (leave !== undefined) return;
    leave = await ctx.gate.enter(ctx.signal);
    untaken.add(leave);
  }

  function stayOut(): void {
    room.giveBack();
    leave?.();
    if (leave !== undefined) untaken.delete(leave);
    leave = undefined;
  }

  function open(): AsyncIterator<Page> {
    const pages = ctx.role("source").read(unit, { from: position, signal: ctx.signal, beforeRequest });
    return pages[Symbol.asyncIterator]();
  }
  let reader: AsyncIterator<Page> | undefined;
  let ended = false;
  try {
    for (;;) {
      const { value, done } = await runStep(ctx, { stage: "fetch", table }, async () => {
        // What failed behind the last page has nothing left to read.
        if (reader === undefined && ended) return { done: true, value: undefined };
        await comeIn();
        const reading = (reader ??= open());
        // One that has failed gives nothing more.
        reader = undefined;
        try {
          const next = await reading.next();
          reader = reading;
          return next;
        } finally {
          if (reader === undefined) stayOut();
        }
      });
      if (done) return;
      yield held(value as Page);
    }
  } finally {
    await reader?.return?.();
    for (const each of untaken) each();
  }

  function held(page: Page): HeldPage {
    checkPage(page, table);
    ({ position } = page);
    ended = position === undefined;
    const left = leave!;
    leave = undefined;
    return {
      page,
      room: room.take(page.bytes),
      leave() {
        untaken.delete(left);
        left();
      },
    };
  }
}
