/** Writing dumps that mongorestore reads. */
import { join, resolve } from "node:path";
import { MigrationError } from "../../core/errors.ts";
import { definePlugin, type Plugin } from "../../core/plugin/plugin.ts";
import type { Table, Unit, WriteResult } from "../../core/types.ts";
import type { EncodedBatch } from "../../core/plugin/transcoder.ts";
import { checkSizes, encodeRecords } from "./_documents.ts";
import { assemble } from "./file/assemble.ts";
import { checkFolder, whyNotWritable } from "../../core/host/writable.ts";
import { fileError } from "./file/disk.ts";
import { checkFileNames, sameButForCase, type TableFiles, tableFiles } from "./file/names.ts";
import { createPart, type Part } from "./file/part.ts";
import { createStored } from "./file/stored.ts";
import {
  countDocuments,
  createFiles,
  dropFiles,
  findFiles,
  type Parts,
  refuseElsewhere,
  renameFiles,
  resumeFiles,
} from "./file/table.ts";
import { checkIndexNames, checkNames, checkRenames, renamedTo } from "./mongodb/names.ts";

/**
 * `target.type = file`: a folder with one of the database's name in it, where `<table>.bson` and `<table>.metadata.json`
 * are, as mongorestore reads them. While a table is copied each segment has a part of its own, so that half a file never
 * looks like a whole one.
 */
const file: Plugin = definePlugin({
  name: "target/file",
  setup(ctx) {
    const { config, log } = ctx;
    const root = resolve(config["target.address"]);
    const folder = join(root, config.id);
    const exist = config["target.db.exist"];
    const startedAt = new Date();
    const renamed = (targetName: string): string => renamedTo(targetName, startedAt);
    /** The parts of the tables that are being copied, by the tables' names. */
    const copying = new Map<string, Parts>();

    /** Names that others differ from by case only. */
    let spelled: ReadonlySet<string> = new Set();
    const filesOf = ({ targetName }: Table): TableFiles =>
      tableFiles(folder, targetName, spelled.has(targetName));
    const renamedFilesOf = ({ targetName }: Table): TableFiles =>
      tableFiles(folder, renamed(targetName), spelled.has(targetName));

    /** Earlier versions had no folder for the database, and a name is spelled in one of two ways. */
    async function refuseOthers(table: Table): Promise<void> {
      const { targetName } = table;
      const files = filesOf(table);
      const others = [tableFiles(root, targetName), tableFiles(folder, targetName, !spelled.has(targetName))];
      for (const each of others) if (each.bson !== files.bson) await refuseElsewhere(files, each);
    }

    ctx.provide("target", {
      place: `folder ${folder}`,

      async check(tables) {
        // What MongoDB couldn't name or index couldn't be restored.
        checkNames(tables, { database: config.id });
        spelled = sameButForCase(tables);
        checkFileNames(tables, filesOf);
        await onDisk(`writing to target.address ${root}`, async () => {
          await checkFolder(folder);
          for (const table of tables) await refuseOthers(table);
        });
      },

      find: (table) =>
        onDisk(`looking for ${table.targetName} in ${folder}`, () => findFiles(filesOf(table))),

      async checkRoom(tables) {
        if (exist !== "rename") return;
        checkRenames(config.id, tables, startedAt);
        checkFileNames(tables, renamedFilesOf, [".metadata.json"]);
      },

      checkIndexes: checkIndexNames,

      async makeRoom(table) {
        const { targetName } = table;
        const what = `${exist} existing ${targetName} in ${folder}`;
        log.info(what);
        await onDisk(what, () =>
          exist === "drop" ? dropFiles(filesOf(table)) : renameFiles(filesOf(table), renamedFilesOf(table)),
        );
        return exist === "drop" ? undefined : renamed(targetName);
      },

      async create(table) {
        const what = `creating ${table.targetName} in ${folder}`;
        copying.set(table.name, await onDisk(what, () => createFiles(filesOf(table))));
      },

      async resume(table, { units }, signal) {
        const what = `taking up ${table.targetName} in ${folder}`;
        copying.set(table.name, await onDisk(what, () => resumeFiles(filesOf(table), units, signal)));
      },

      // A resume cuts a part off behind so many documents, as it only counts them: batches must lie in the order of the
      // calls. So these two give a batch its place in the file before they wait for anything.
      async write({ unit, records }) {
        const doubles = ctx.role("convert").numbers === "double";
        const { bytes, ends } = encodeRecords(records, unit.table, doubles);
        return append({ unit, bytes, ends, record: (index) => records[index]! });
      },

      writeEncoded: (batch) => append(batch),

      async index(table, indexes, options) {
        const files = filesOf(table);
        const parts = copying.get(table.name) ?? new Map();
        const warn = (message: string, index: string): void => {
          log.warn(`table ${table.name}: ${message}`);
          options.onLeftOut?.(index, message);
        };
        const assembly = { files, parts, collection: table.targetName, indexes, warn };
        const built = await onDisk(`assembling ${files.bson}`, () => assemble(assembly, options));
        copying.delete(table.name);
        return built;
      },

      count: (table, signal) =>
        onDisk(`counting ${table.targetName} in ${folder}`, () => countDocuments(filesOf(table), signal)),

      stored: createStored(ctx, { filesOf, onDisk }),

      async inspect() {
        const why = await whyNotWritable(folder);
        const right = { action: "write", on: [folder], purpose: "write the dumps", isNeeded: true };
        return {
          product: "files",
          kind: "as mongorestore reads them",
          rights: [{ ...right, ...(why === undefined ? { state: "granted" } : { state: "missing", why }) }],
        };
      },

      async close() {
        const parts = [...copying.values()].flatMap((each) => [...each.values()]);
        // A write that failed has told its caller.
        await Promise.allSettled(parts.map((part) => part.idle()));
      },
    });

    async function append(batch: EncodedBatch): Promise<WriteResult> {
      const started = performance.now();
      const { unit, bytes, ends } = batch;
      checkSizes(batch, unit.table);
      if (ends.length > 0) await partOf(unit).write(bytes);
      const ms = performance.now() - started;
      return { inserted: ends.length, replaced: 0, deleted: 0, duplicates: 0, ms };
    }

    /** The part of a unit; one that is written to for the first time has none yet. */
    function partOf(unit: Unit): Part {
      const parts = copying.get(unit.table.name);
      if (parts === undefined || unit.phase !== "full") {
        throw new MigrationError("INTERNAL", `${unit.table.name} can't be written to: folder ${folder}`);
      }
      const part = parts.get(unit.segment) ?? createPart(filesOf(unit.table).part(unit.segment));
      parts.set(unit.segment, part);
      return part;
    }

    /** Translates what the file system says. */
    async function onDisk<T>(what: string, run: () => Promise<T>): Promise<T> {
      try {
        return await run();
      } catch (error) {
        throw fileError(error, what);
      }
    }
  },
});
export default file;
