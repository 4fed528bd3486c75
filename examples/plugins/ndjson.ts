/**
 * A target of one's own: every document as a line of JSON, a file a table, in the folder `plugin.ndjson.folder`.
 * A file is appended to only, so it is for one full run: `sync_mode = full`.
 */
import { existsSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin, Table } from "nimo-shake";

const ndjson: Plugin<{ folder?: string }> = {
  name: "ndjson",
  setup(ctx, { folder = "." }) {
    const startedAt = Date.now();
    const files = new Map<string, FileHandle>();
    const pathOf = ({ targetName }: Table): string => join(folder, `${targetName}.ndjson`);
    let last: Promise<void> = Promise.resolve();

    /** One after the other, because a long text is written in pieces; what is written is on the disk. */
    function append(file: FileHandle, lines: string): Promise<void> {
      const done = last.then(() => file.appendFile(lines)).then(() => file.datasync());
      last = done.catch(() => {});
      return done;
    }

    ctx.provide("target", {
      place: `folder ${folder}`,
      async check() {},
      async find(table) {
        if (!existsSync(pathOf(table))) return undefined;
        // Another file of that name is another one; that it grows changes nothing.
        const { ino, birthtimeMs } = statSync(pathOf(table));
        return `file ${ino} ${birthtimeMs}`;
      },
      makeRoom: (table) =>
        ctx.config["target.db.exist"] === "drop"
          ? rm(pathOf(table))
          : rename(pathOf(table), `${pathOf(table)}.${startedAt}`),
      async create(table) {
        await mkdir(folder, { recursive: true });
        files.set(table.name, await open(pathOf(table), "a"));
      },
      resume: () => Promise.reject(new Error("a file can't be gone on with: start over with --fresh")),
      async write({ unit, records }) {
        const lines = records.map(({ document }) => `${JSON.stringify(document)}\n`).join("");
        await append(files.get(unit.table.name)!, lines);
        return { inserted: records.length, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
      },
      index: async () => 0,
      count: async (table) => (await readFile(pathOf(table), "utf8")).split("\n").length - 1,
      async close() {
        await last;
        for (const file of files.values()) await file.close();
        files.clear();
      },
    });
  },
};
export default ndjson;
