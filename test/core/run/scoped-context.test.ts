/** Parts of a run, and what stops only them. */
import { expect, test } from "bun:test";
import { MigrationError } from "../../../core/errors.ts";
import { scopedContext } from "../../../core/run/scoped-context.ts";
import { fakeStreams, streamContext } from "../../fakes/streams.ts";

const own = new MigrationError("SOURCE_GONE", "the table was deleted");
const cutOff = Object.assign(new Error("Request aborted"), { name: "AbortError" });

test.each<[string, boolean, unknown[]]>([
  ["its own end", false, [own]],
  ["a request that its own end has cut off", false, [own, cutOff]],
  ["a failure that is the run's", true, [own, new MigrationError("CHECKPOINT_FAILED", "no space left")]],
  ["a request that was cut off by nobody", true, [cutOff]],
])("%s ends the run: %p", async (_what, endsRun, reasons) => {
  await using ctx = await streamContext({ streams: fakeStreams() });
  const outer = scopedContext(ctx, (reason) => reason === own);
  // A part of the part hears of it, too, and hands on what it fails with.
  const scope = scopedContext(outer, () => false);
  for (const reason of reasons) scope.stop(reason);
  expect([scope.signal.aborted, ctx.signal.aborted]).toEqual([true, endsRun]);
  if (!endsRun) expect(scope.signal.reason).toBe(own);
});
