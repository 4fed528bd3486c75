/** A run over one table of two items, whose other sides a test brings along. */
import type { Checkpoint, Target } from "../../core/plugin/roles.ts";
import { createProgress, type TableProgress } from "../../core/progress/progress.ts";
import { runMigration } from "../../core/run/run.ts";
import { builtinPlugin } from "../../plugins/index.ts";
import {
  memoryCheckpoint,
  memorySource,
  memoryTarget,
  numbered,
  page,
  testConfig,
  testTable,
} from "./context.ts";

const TABLE = testTable("pk", undefined, { name: "a", targetName: "a" });

/**
 * Copies it; gives its counters.
 *
 * @param tables awaited when the source is asked for its tables
 * @param bytes what its items have
 */
export async function runOneTable(
  roles: { target?: Partial<Target>; checkpoint?: Checkpoint },
  tables: () => Promise<unknown> = async () => {},
  bytes = 200,
): Promise<TableProgress> {
  const progress = createProgress();
  const target = { ...memoryTarget(), ...roles.target };
  const source = memorySource([
    async function* () {
      yield { ...page(numbered(TABLE, 0, 2)), bytes };
    },
  ]);
  await runMigration({
    builtins: builtinPlugin,
    config: testConfig({ id: "early" }),
    progress,
    plugins: [
      {
        name: "memory",
        setup(ctx) {
          ctx.provide("source", {
            ...source,
            async tables() {
              await tables();
              return [TABLE];
            },
          });
          ctx.provide("target", target);
          ctx.provide("checkpoint", roles.checkpoint ?? memoryCheckpoint());
        },
      },
    ],
  });
  return progress.tables.get("a")!;
}
