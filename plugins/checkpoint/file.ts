/** The checkpoint in files. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { originalFolder } from "../../core/config/checkpoint-folder.ts";
import { makeFolder } from "../../core/host/durable-files.ts";
import { fileNameOf } from "../../core/host/file-name.ts";
import { whyNotWritable } from "../../core/host/writable.ts";
import type { Right } from "../../core/plugin/roles.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import { fileProblems, refuseTables } from "./_check-tables.ts";
import { refuseOthers, withoutOthers } from "./_others.ts";
import { inFiles, inTarget } from "./_elsewhere.ts";
import { originalName, originalsAmong, STATUS_TABLE } from "./_nimoshake.ts";
import { originalFiles } from "./file/nimoshake-files.ts";
import { namesIn } from "./file/drafts.ts";
import { fileLease } from "./file/lease.ts";
import { removeFolders } from "./file/left.ts";
import { othersIn } from "./file/others.ts";
import { folderOwnership, removeOwner } from "./file/owner-file.ts";
import { createQueue, type States } from "./_queue.ts";
import { attempt, listStates, readStates, removeFile, SUFFIX, writeStates } from "./file/state-file.ts";

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
    const pathOf = (name: string): string => join(folder, `${fileNameOf(name)}${SUFFIX}`);
    const draftOf = (name: string): string => draft(`${basename(pathOf(name))}.new`);
    /** By name what its file holds. */
    const kept = new Map<string, States>();
    /** Nobody else writes there: who only looks on reads anew. */
    let isOurs = false;

    async function statesOf(name: string): Promise<States> {
      const read = (): Promise<States> =>
        originalName(name) ? original.read(name) : readStates(pathOf(name), { id, name });
      const states = (isOurs ? kept.get(name) : undefined) ?? (await read());
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

    /** What a change that fails leaves behind it is to be read. */
    async function change(name: string, states: States, write: () => Promise<void>): Promise<void> {
      kept.delete(name);
      await holding(write);
      kept.set(name, states);
    }

    function replace(name: string, states: States): Promise<void> {
      return change(name, states, async () => {
        await attempt(folder, () => makeFolder(folder));
        if (originalName(name)) {
          await ownership.claim();
          await original.write(name, states);
        } else await writeStates(pathOf(name), draftOf(name), { id, name }, states);
      });
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

      checkPlaces: (tables) => refuseOthers(tables, original.refuseOthers),

      load: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) await ownership.check();
          const states = await statesOf(name);
          return new Map([...states].map(([part, state]) => [part, JSON.parse(state) as unknown]));
        }),

      list: () => listStates(folder, id),

      save: (name, parts) => queue.save(name, parts),

      clear: (name) =>
        queue.run(name, async () => {
          if (originalName(name)) await ownership.check();
          await change(name, new Map(), () =>
            originalName(name) ? original.remove(name) : removeFile(pathOf(name), draftOf(name)),
          );
        }),

      remove: (name, parts) =>
        queue.run(name, async () => {
          const states = new Map(await statesOf(name));
          const removed = parts.filter((part) => states.delete(part));
          if (removed.length > 0) await replace(name, states);
        }),

      elsewhere: async (tables) => (await inFiles(ctx, tables, beside)) ?? (await inTarget(ctx, tables)),

      async left() {
        const own = (await listStates(folder, id)).map(({ name }) => name);
        const owns = await ownership.isOurs();
        const there = owns ? await attempt(beside, () => namesIn(beside)) : [];
        const { names, isShared } = originalsAmong(there, own);
        return {
          names: [...(await withoutOthers(names, original.hasOthers)), ...own],
          rest: existsSync(folder) || owns,
          ...(isShared && { shared: join(beside, STATUS_TABLE) }),
        };
      },

      others: (part, names) => othersIn(ours, id, part, names),

      async vacate() {
        await check();
        const owns = await ownership.isOurs();
        if (owns) await removeOwner(ours);
        await removeFolders(folder, ours, ...(owns ? [beside] : []));
      },

      lease: {
        ...keeper,
        async claim(ours, options) {
          const found = await keeper.claim(ours, options);
          // Its holder before may have saved after these were read.
          isOurs = found.holder.token === ours.token;
          if (isOurs) kept.clear();
          return found;
        },
      },

      async inspect() {
        const follows = ctx.config.sync_mode !== "full";
        const folders = follows ? [folder, beside] : [folder];
        const rights = folders.map(async (each): Promise<Right> => {
          const why = await whyNotWritable(each);
          const right = { action: "write", on: [each], purpose: "save the checkpoint", isNeeded: true };
          return why === undefined ? { ...right, state: "granted" } : { ...right, state: "missing", why };
        });
        return { rights: await Promise.all(rights) };
      },

      close: () => queue.idle(),
    });
  },
});
export default file;
