/** The files that a migration has left on this machine: beside the copy, and beside the log. */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { syncFolder } from "../host/durable-files.ts";
import { openTableSpool } from "../spool/table-spool.ts";
import type { Leftover } from "./leftover.ts";

/** Behind the id, or the id and a part's number, and what it is. */
const ENDS: readonly [end: RegExp, what: string][] = [
  [/^\.sock(?:\.\w+)?$/, "the control socket of a process that is gone"],
  [/^(?:-\d+-of-\d+)?-verify(?:-run)?$/, "what a comparison has read"],
  [/^(?:-\d+-of-\d+)?-diff\.jsonl(?:\.\d+\.part)?$/, "what a comparison has found"],
  [/^-skipped\.jsonl$/, "records that an error hook left out"],
];
/** Behind the report's name: nothing, or what a killed process was writing. */
const REPORT_END = /^(?:\.\d+\.tmp)?$/;

/** Those in the working folder, and the report wherever it is. */
export async function leftFiles(config: Config, folder: string): Promise<Leftover[]> {
  // An id may be the beginning of another one.
  const names = await readdir(resolve(folder)).catch(() => []);
  const found = names.flatMap((name): Leftover[] => {
    if (!name.startsWith(config.id)) return [];
    const end = name.slice(config.id.length);
    const [, what] = ENDS.find(([pattern]) => pattern.test(end)) ?? [];
    return what === undefined ? [] : [onDisk(what, resolve(folder, name))];
  });
  // Under its usual name an earlier run has written it, before report.file was set.
  const reports = new Set(
    [`./${config.id}-report.json`, config["report.file"]].map((path) => resolve(folder, path)),
  );
  const written = await Promise.all([...reports].map(leftReports));
  return [...found, ...written.flat()];
}

/** What was read of these tables' streams and not applied yet. */
export async function leftSpools(config: Config, tables: readonly string[]): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const table of tables) {
    const spool = openTableSpool(config["increase.persist.dir"], config.id, table);
    if (!(await spool.isLeft())) continue;
    found.push({
      side: "local",
      what: `changes of table ${table} that were read`,
      where: spool.folder,
      remove: () => spool.remove(),
    });
  }
  return found;
}

function onDisk(what: string, where: string): Leftover {
  return {
    side: "local",
    what,
    where,
    async remove() {
      await rm(where, { recursive: true, force: true });
      await syncFolder(dirname(where));
    },
  };
}

/** A report, and what processes that were killed have written of it. */
async function leftReports(path: string): Promise<Leftover[]> {
  const entries = await readdir(dirname(path), { withFileTypes: true }).catch(() => []);
  const name = basename(path);
  return entries
    .filter(
      (entry) =>
        entry.isFile() && entry.name.startsWith(name) && REPORT_END.test(entry.name.slice(name.length)),
    )
    .map((entry) => onDisk("the report", join(dirname(path), entry.name)));
}
