/** What happens to a table's stream: it is made anew, and what was written meanwhile is in none. */
import { setTimeout as sleep } from "node:timers/promises";
import { dynamo } from "../../e2e/helpers.ts";
import type { TableShape } from "../changes.ts";
import type { Configuration } from "../configuration.ts";
import type { Fault } from "../world.ts";

/** Where such a gap ends with a copy made again; where it ends the run for good there is nothing to go on with. */
export function streamFaults(
  endpoint: string,
  tables: readonly TableShape[],
  { onGap }: Configuration,
): Fault[] {
  if (onGap !== "resync") return [];
  const update = (TableName: string, StreamSpecification: object): Promise<unknown> =>
    dynamo(endpoint, "UpdateTable", { TableName, StreamSpecification });
  const anew: Fault = {
    name: "stream made anew",
    codes: ["STREAM_GAP", "STREAM_UNFIT"],
    draw(random) {
      const table = random.pick(tables);
      const ms = random.between(0, 1500);
      return {
        what: `the stream of ${table.name.split(".")[0]} is off for ${ms} ms, and another one then`,
        async happen({ say, signal }) {
          await update(table.name, { StreamEnabled: false }).catch((error: unknown) => say(String(error)));
          await sleep(ms, undefined, { signal }).catch(() => {});
          const on = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" };
          // the tool may have enabled it itself
          await update(table.name, on).catch((error: unknown) => say(String(error)));
        },
      };
    },
  };
  return [anew];
}
