/** The checkpoint in files. */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "../../core/config/config.ts";
import { makeFolder, PRIVATE_FOLDER } from "../../core/host/durable-files.ts";
import { fileNameOf } from "../../core/host/file-name.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { fileProblems, refuseTables } from "./_check-tables.ts";
import { originalName } from "./_nimoshake.ts";
import { originalFiles } from "./file/nimoshake-files.ts";
import { fileLease } from "./file/lease.ts";
import { folderOwnership } from "./file/owner-file.ts";
import { createQueue, type States } from "./_queue.ts";
import { attempt, readStates, removeFile, writeStates } from "./file/state-file.ts";

/** `checkpoint.type = file`: a folder of an id's own, a file a name; the streams' positions as NimoShake has them. */
const file: Plugin = definePlugin({
  name: "checkpoint/file",
  setup(ctx) {
    const { id } = ctx.config;
    const beside = originalFolder(ctx.config);
    const ours = `${beside}-state`;
    const folder = join(ours, id);
    const ownership = folderOwnership(beside, ours, id);
    const { check, draft, ...keeper } = fileLease(folder, id);
    const original = originalFiles(beside, draft);
    const pathOf = (name: string): string => join(folder, `${fileNameOf(name)}.jsonl`);
    const draftOf = (name: string): string => draft(`${basename(pathOf(name))}.new`);
    /** By name what its file holds, as long as nobody else writes there. */
    const kept = new Map<string, States>();

    async function statesOf(name: string): Promise<States> {
      const read = (): Promise<States> =>
        originalName(name) ? original.read(name) : readStates(pathOf(name), { id, name });
      const states = kept.get(name) ?? (await read());
      kept.set(name, states);
      return states;
    }

    /** A write that fails because another process has taken the lease fails with that. */
    async function holding(write: () => Promise<void>): Promise<void> {
      await check();
      try {
        await write();
      } catch (error) {
        await check();
        throw error;
      }
    }

    async function replace(name: string, states: States): Promise<void> {
      await holding(async () => {
        await attempt(folder, () => makeFolder(folder, PRIVATE_FOLDER));
        if (originalName(name)) {
          await ownership.claim();
          await original.write(name, states);
        } else await writeStates(pathOf(name), draftOf(name), { id, name }, states);
      });
      kept.set(name, states);
    }

    const queue = createQueue(async (name, given) =>
      replace(name, new Map([...(await statesOf(name)), ...given])),
    );

    ctx.provide("checkpoint", {
      place: `folder ${folder}`,

      async check(tables) {
        const follows = ctx.config.sync_mode !== "full";
        refuseTables(tables, `folder ${beside}`, follows ? await fileProblems(beside, tables) : []);
      },

      load: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) await ownership.check();
          const states = await statesOf(name);
          return new Map([...states].map(([part, state]) => [part, JSON.parse(state) as unknown]));
        }),

      save: (name, parts) => queue.save(name, parts),

      clear: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) await ownership.check();
          await holding(() =>
            originalName(name) ? original.remove(name) : removeFile(pathOf(name), draftOf(name)),
          );
          kept.set(name, new Map());
        }),

      remove: (name, parts) =>
        queue.run(name, async () => {
          const states = new Map(await statesOf(name));
          const removed = parts.filter((part) => states.delete(part));
          if (removed.length > 0) await replace(name, states);
        }),

      lease: {
        ...keeper,
        async claim(ours, options) {
          const found = await keeper.claim(ours, options);
          // Its holder before may have saved after these were read.
          if (found.holder.token === ours.token) kept.clear();
          return found;
        },
      },

      close: () => queue.idle(),
    });
  },
});
export default file;

/**
 * NimoShake's folder. Our own state is beside it, never in it: a file more there would make NimoShake start
 * over. It is an explicit `checkpoint.address`, else an existing `./<checkpoint.db>`, else `checkpoint` beside the
 * executable.
 */
function originalFolder(config: Config): string {
  const address = config["checkpoint.address"];
  const named = resolve(config["checkpoint.db"]);
  return address ? resolve(address) : existsSync(named) ? named : join(homeFolder(), "checkpoint");
}

/** The executable's folder; run by an interpreter, the working folder. */
function homeFolder(): string {
  const interpreted = /^(bun|deno|node(js)?)\d*\b/i.test(basename(process.execPath));
  return interpreted ? process.cwd() : dirname(process.execPath);
}
