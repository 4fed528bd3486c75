/**
 * A target of one's own: every document as a line of JSON, a file a table, in the folder `plugin.ndjson.folder`.
 * A file is appended to only, so it is for one full run: `sync_mode = full`.
 */
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { Plugin, Table } from "nimo-shake";

const ndjson: Plugin<{ folder?: string }> = {
  name: "ndjson",
  setup(ctx, { folder = "." }) {
    const files = new Map<string, WriteStream>();
    const pathOf = ({ targetName }: Table): string => join(folder, `${targetName}.ndjson`);

    ctx.provide("target", {
      place: `folder ${folder}`,
      async check() {},
      find: async (table) => (existsSync(pathOf(table)) ? pathOf(table) : undefined),
      makeRoom: async (table) => rmSync(pathOf(table)),
      async create(table) {
        mkdirSync(folder, { recursive: true });
        files.set(table.name, createWriteStream(pathOf(table), { flags: "ax" }));
      },
      resume: () => Promise.reject(new Error("a file can't be gone on with: start over with --fresh")),
      async write({ unit, records }) {
        const file = files.get(unit.table.name)!;
        const lines = records.map(({ document }) => `${JSON.stringify(document)}\n`).join("");
        await new Promise<void>((resolve, reject) =>
          file.write(lines, (error) => (error ? reject(error) : resolve())),
        );
        return { inserted: records.length, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
      },
      index: async () => 0,
      count: async (table) => readFileSync(pathOf(table), "utf8").split("\n").length - 1,
      async close() {
        await Promise.all([...files.values()].map((file) => finished(file.end())));
      },
    });
  },
};
export default ndjson;
