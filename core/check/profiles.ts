/** `check --profile` for all tables: what their samples tell. */
import type { Context } from "../plugin/context.ts";
import { inParallel } from "../flow/parallel.ts";
import type { Table } from "../types.ts";
import type { Sample } from "../verify/sample.ts";
import type { TablePlan } from "./plan.ts";
import type { Problems } from "./problems.ts";
import { profileTable } from "./profile.ts";
import { profileWarnings } from "./profile-warnings.ts";

/** Reads samples of the tables, several at once, and puts what they tell into their plans. */
export async function addProfiles(
  ctx: Context,
  tables: Table[],
  plans: TablePlan[],
  sample: Sample,
  { hear, add }: Problems,
  warnings: Set<string>,
): Promise<void> {
  const { config } = ctx;
  await inParallel(plans, config["full.concurrency"], (plan) =>
    hear(async () => {
      const table = tables.find(({ name }) => name === plan.name)!;
      const profile = await profileTable(ctx, table, sample);
      plan.profile = profile;
      for (const warning of profileWarnings(config, table, profile)) warnings.add(warning);
      // An `error` hook may want such items left out.
      if (profile.unfit === null || ctx.listens("error")) return;
      const { count, first } = profile.unfit;
      const message = `${count} of ${profile.items} items of the sample would end the run, the first one: ${first.message}`;
      add({ ...first, message, refuses: true });
    }),
  );
}
