/** The dearest functions of CPU profiles, side by side. */
import { expect, test } from "bun:test";
import { costs, type CpuProfile, table } from "../../bench/dearest.ts";

const node = (id: number, functionName: string, url = ""): CpuProfile["nodes"][number] => ({
  id,
  callFrame: { functionName, url },
});

const profile: CpuProfile = {
  nodes: [
    node(1, "fetch"),
    node(2, "write", "file:///a/b/encoder.ts"),
    node(3, "write", "file:///a/b/encoder.ts"),
    node(4, ""),
  ],
  samples: [1, 2, 3, 4],
  // before the second sample the thread waited for a second
  timeDeltas: [900, 1_000_000, 500, 100],
};

test("a function has the time of all places that it was called from, and none that the thread waited for", () => {
  expect(costs(profile)).toEqual([
    ["write, encoder.ts", 1_500],
    ["fetch", 900],
    ["anonymous", 100],
  ]);
});

test("a row has a rank of each profile, the last one all of it, an item", () => {
  const short: CpuProfile = { nodes: [node(1, "gc")], samples: [1, 1], timeDeltas: [1_000, 600] };
  const rows = table([profile, short], 100).split("\n");
  expect(rows[0]).toBe("| write, encoder.ts | 15.00 | gc | 16.00 |");
  expect(rows[1]).toBe("| fetch | 9.00 |  |  |");
  expect(rows.at(-1)).toBe("| all | 25.00 | all | 16.00 |");
});
