/** Secondary indexes that the target can't have, at the start. */
import { describe, expect, test } from "bun:test";
import { MigrationError } from "../../../core/errors.ts";
import type { TableState } from "../../../core/checkpoint/run-state.ts";
import { checkIndexes } from "../../../core/run/secondary-indexes.ts";
import type { Place } from "../../../core/run/place.ts";
import type { SecondaryIndex, Table } from "../../../core/types.ts";
import { keyAttribute, memoryContext, memorySource, memoryTarget, testTable } from "../../fakes/context.ts";

const index = (name: string): SecondaryIndex => ({ name, kind: "GSI", partition: keyAttribute(name) });

/** A table with one index that can be had and one that can't, where it stands. */
function place(name: string, stage?: TableState["stage"]): Place {
  const table = testTable("pk", undefined, { name, secondary: [index("fit"), index("unfit")] });
  const state = stage && { stage, targetName: name, units: 1 };
  return { table, state, found: undefined, checkpoint: undefined as never };
}

/** What is left of each table's indexes, and what was warned of. */
async function checked(places: Place[], settings: Record<string, string> = {}) {
  const target = memoryTarget();
  target.checkIndexes = ({ name, secondary }: Table) => {
    if (!secondary.some((each) => each.name === "unfit")) return;
    throw new MigrationError("TABLE_UNFIT", `unfit can't be had: table ${name}`, { hint: "leave it out" });
  };
  await using ctx = await memoryContext(memorySource([]), target, settings);
  const warnings: string[] = [];
  ctx.log.warn = Object.assign((message: string) => void warnings.push(message), { raw() {} });
  checkIndexes(ctx, places);
  return { left: places.map(({ table }) => table.secondary.map(({ name }) => name)), warnings };
}

describe("an index that can't be had", () => {
  test.each(["copying", "indexing", "done"] as const)(
    "is left out of a table that is begun: %s",
    async (stage) => {
      const { left, warnings } = await checked([place("t", stage)]);
      expect(left).toEqual([["fit"]]);
      expect(warnings).toEqual(["unfit can't be had: table t: the index unfit is left out"]);
    },
  );

  test("is refused with tables that are yet to be made, all at once", async () => {
    const places = [place("begun", "done"), place("made"), place("half", "making")];
    await expect(checked(places)).rejects.toMatchObject({
      code: "TABLE_UNFIT",
      message: "unfit can't be had: table made\nunfit can't be had: table half",
      hint: "leave it out",
    });
  });

  test("isn't asked for where no secondary ones are made", async () => {
    const { left } = await checked([place("t")], { "full.enable_index.user": "false" });
    expect(left).toEqual([["fit", "unfit"]]);
  });
});
