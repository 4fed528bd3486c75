/** The pages of one unit of the full phase, as the source gives them. */
import type { Context } from "../plugin/context.ts";
import { MigrationError } from "../errors.ts";
import { runStep } from "../stages/error-policy.ts";
import type { Held } from "../flow/memory-budget.ts";
import type { Page, Position, SegmentUnit, Table } from "../types.ts";

/**
 * A unit's pages; a reader that failed and is to go on is opened anew behind the last page.
 *
 * @param reserve makes room for a page
 * @param onPage gets the room that was made for a page, and its size
 */
export async function* readPages(
  ctx: Context,
  unit: SegmentUnit,
  from: Position | undefined,
  reserve: () => Promise<Held>,
  onPage: (room: Held | undefined, bytes: number) => void,
): AsyncGenerator<Page, void> {
  const { phase, table } = unit;
  let position = from;
  let room: Held | undefined;
  const beforeRequest = async (request: object): Promise<void> => {
    await ctx.call("fetch:before", { phase, table, unit, request });
    room ??= await reserve();
  };
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
        const reading = (reader ??= open());
        // One that has failed gives nothing more.
        reader = undefined;
        const next = await reading.next();
        reader = reading;
        return next;
      });
      if (done) return;
      checkPage(value as Page, table);
      ({ position } = value as Page);
      ended = position === undefined;
      onPage(room, (value as Page).bytes);
      room = undefined;
      yield value as Page;
    }
  } finally {
    await reader?.return?.();
  }
}

/** Refuses what would be counted as nothing, or as no number. */
function checkPage({ bytes }: Page, { name }: Table): void {
  if (bytes >= 0) return;
  throw new MigrationError(
    "PLUGIN_INVALID",
    `the source's pages don't say how many bytes they have: table ${name}`,
    {
      hint: "let the plugin that provides the source give each page its bytes, as its documentation says",
    },
  );
}
