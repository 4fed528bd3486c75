/**
 * A checkpoint of one's own: all that is known in one JSON file, `plugin.json-checkpoint.file`. Each save writes the
 * whole file anew beside the old one, so that a crash leaves one of the two: for few tables.
 */
import { open, readFile, rename } from "node:fs/promises";
import type { Plugin } from "nimo-shake";

const jsonCheckpoint: Plugin<{ file?: string }> = {
  name: "json-checkpoint",
  setup(ctx, { file = `${ctx.config.id}-checkpoint.json` }) {
    let last: Promise<unknown> = Promise.resolve();
    /** Several migrations may share the file; an id has no blanks. */
    const own = (name: string): string => `${ctx.config.id} ${name}`;
    /** One after the other: every call sees what the one before has left. */
    function inTurn<T>(work: (names: Map<string, Map<string, unknown>>) => T, saves: boolean): Promise<T> {
      const turn = last.then(async () => {
        const names = await read();
        const result = work(names);
        if (saves) await write(names);
        return result;
      });
      last = turn.catch(() => {});
      return turn;
    }

    async function read(): Promise<Map<string, Map<string, unknown>>> {
      const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "[]";
        throw error;
      });
      return new Map(
        (JSON.parse(text) as [string, [string, unknown][]][]).map(([name, parts]) => [name, new Map(parts)]),
      );
    }

    async function write(names: Map<string, Map<string, unknown>>): Promise<void> {
      const draft = await open(`${file}.new`, "w", 0o600);
      try {
        await draft.writeFile(JSON.stringify([...names].map(([name, parts]) => [name, [...parts]])));
        await draft.sync();
      } finally {
        await draft.close();
      }
      await rename(`${file}.new`, file);
    }

    ctx.provide("checkpoint", {
      place: `file ${file}`,
      load: (name) => inTurn((names) => names.get(own(name)) ?? new Map<string, unknown>(), false),
      save(name, parts) {
        // As it is now: whoever called may go on changing it.
        const copy = structuredClone([...parts]);
        return inTurn(
          (names) => void names.set(own(name), new Map([...(names.get(own(name)) ?? []), ...copy])),
          true,
        );
      },
      clear: (name) => inTurn((names) => void names.delete(own(name)), true),
    });
  },
};
export default jsonCheckpoint;
