/** A table that is another one at the end of its copy. */
import { expect, test } from "bun:test";
import { confirmTable, explainCopy } from "../../../core/stages/table-now.ts";
import type { Table } from "../../../core/types.ts";
import { testTable } from "../../fakes/context.ts";
import { fakeStreams, streamContext } from "../../fakes/streams.ts";

const TABLE: Table = testTable("pk", undefined, { id: "first" });
const AGAIN = "start again: with on_gap = resync this table alone is copied again";
const ANEW = "start over with --fresh";

test.each<[string, Record<string, string>, Table, string]>([
  ["with on_gap = resync", { on_gap: "resync" }, TABLE, AGAIN],
  ["with on_gap = resync in incr", { on_gap: "resync", sync_mode: "incr" }, TABLE, AGAIN],
  ["without it", {}, TABLE, ANEW],
  ["where nothing is followed", { on_gap: "resync", sync_mode: "full" }, TABLE, ANEW],
  ["with another key", { on_gap: "resync" }, testTable("other"), ANEW],
])("what to do is said as it is: %s", async (_, settings, now, hint) => {
  const source = { describe: async () => ({ ...now, id: "second" }) };
  await using ctx = await streamContext({ streams: fakeStreams(), source, settings });
  const refusal = { code: "SOURCE_GONE", hint: expect.stringContaining(hint) };
  await expect(confirmTable(ctx, TABLE)).rejects.toMatchObject(refusal);
  expect(await explainCopy(ctx, TABLE, new Error("a defect"))).toMatchObject(refusal);
});
