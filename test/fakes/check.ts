/** A check over roles in memory, with whatever they are to do otherwise. */
import { type CheckOptions, runCheck } from "../../core/check/check.ts";
import type { Plan } from "../../core/check/plan.ts";
import type { AnyPlugin, Plugin } from "../../core/plugin/plugin.ts";
import type { Checkpoint, Converter, Source, Streams, Target } from "../../core/plugin/roles.ts";
import type { Table } from "../../core/types.ts";
import { memoryCheckpoint, memorySource, memoryTarget, testConfig } from "./context.ts";

/** What differs from roles in which all goes well. */
export interface CheckScene {
  tables?: Table[];
  source?: Partial<Source>;
  streams?: Partial<Streams>;
  target?: Partial<Target>;
  checkpoint?: Checkpoint;
  convert?: Converter;
  settings?: Record<string, string>;
  options?: Partial<CheckOptions>;
  /** Further plugins. */
  plugins?: AnyPlugin[];
}

/** What a target and a checkpoint must not be asked to do. */
const CHANGES = ["makeRoom", "create", "resume", "write", "writeEncoded", "apply", "index"] as const;

/** Makes the plan; `changes` are the changes that were asked for, and there must be none. */
export async function checked(scene: CheckScene): Promise<{ plan: Plan; changes: string[] }> {
  const changes: string[] = [];
  const changing = (name: string) => async (): Promise<never> => {
    changes.push(name);
    throw new Error(`${name} changes something`);
  };
  const never = Object.fromEntries(CHANGES.map((name) => [name, changing(name)]));
  const checkpoint = scene.checkpoint ?? memoryCheckpoint();
  const plugin: Plugin = {
    name: "memory",
    setup(ctx) {
      ctx.provide("source", { ...memorySource([]), tables: async () => scene.tables ?? [], ...scene.source });
      ctx.provide("target", { ...memoryTarget(), ...never, ...scene.target });
      ctx.provide("streams", {
        open: changing("open"),
        shards: async () => [],
        children: async () => [],
        read: () => ({ poll: changing("poll") }),
        ...scene.streams,
      });
      ctx.provide(
        "convert",
        scene.convert ?? { convert: () => ({ overflowed: 0 }), fieldPath: ({ name }) => name },
      );
      ctx.provide("checkpoint", {
        ...checkpoint,
        save: changing("save"),
        clear: changing("clear"),
        remove: changing("remove"),
      });
    },
  };
  const plan = await runCheck({
    builtins: async () => undefined,
    config: testConfig({ "target.type": "plugin", id: "shop", ...scene.settings }),
    plugins: [plugin, ...(scene.plugins ?? [])],
    patience: 0,
    ...scene.options,
  });
  return { plan, changes };
}
