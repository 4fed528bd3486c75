/** A folder for dumps, and targets over it as processes would have them one after the other. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BSON } from "mongodb";
import type { Config } from "../../../../core/config/config.ts";
import { createContext } from "../../../../core/run/context.ts";
import type { Target } from "../../../../core/plugin/roles.ts";
import type {
  SegmentUnit,
  SourceRecord,
  Table,
  TargetDocument,
  TargetIndex,
} from "../../../../core/types.ts";
import type { EncodedBatch } from "../../../../core/plugin/transcoder.ts";
import file from "../../../../plugins/target/file.ts";
import { testConfig, testTable } from "../../../fakes/context.ts";

/** Never aborted. */
export const NEVER: AbortSignal = new AbortController().signal;

/** The table of most tests. */
export const TABLE: Table = testTable("pk", "sk", { name: "orders", targetName: "orders" });

/** The indexes of that table. */
export const INDEXES: TargetIndex[] = [
  {
    fields: [
      { path: "pk", kind: "ascending" },
      { path: "sk", kind: "ascending" },
    ],
    unique: true,
    origin: "primary",
  },
  { fields: [{ path: "pk", kind: "hashed" }], unique: false, origin: "primary" },
];

/** A folder that is gone at the end. */
export interface Place extends Disposable {
  /** The temporary folder. */
  root: string;
  /** The dump's, in it: `target.address`. */
  dump: string;
  /** The database's, in that. */
  folder: string;
  /** The names of the files in the dump, sorted. */
  names(): string[];
  path(name: string): string;
  /** The documents of a file. */
  documents(name: string): TargetDocument[];
  /** A target over the dump, with these settings. */
  open(settings?: Partial<Config>): Promise<Target>;
}

/** See the top of the file. */
export function temporaryPlace(): Place {
  const root = mkdtempSync(join(tmpdir(), "nimo-shake-file-"));
  const dump = join(root, "a", "dump");
  const folder = join(dump, testConfig().id);
  const path = (name: string): string => join(folder, name);
  return {
    root,
    dump,
    folder,
    names: () => readdirSync(folder).sort(),
    path,
    documents: (name) => readDocuments(path(name)),
    open: (settings) => openTarget(dump, settings),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A target over a dump's folder as a new process has it. */
export async function openTarget(folder: string, settings: Partial<Config> = {}): Promise<Target> {
  const config = { ...testConfig(), "target.type": "file" as const, "target.address": folder, ...settings };
  const ctx = createContext({ config });
  await ctx.use(file);
  ctx.provide("convert", { convert: () => ({ overflowed: 0 }), fieldPath: ({ name }) => name });
  return ctx.role("target");
}

/** A file's documents, read by the driver. */
export function readDocuments(path: string): TargetDocument[] {
  const bytes = readFileSync(path);
  const documents: TargetDocument[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + bytes.readInt32LE(at);
    documents.push(BSON.deserialize(bytes.subarray(at, end)));
    at = end;
  }
  return documents;
}

/** A unit of work. */
export function unitOf(segment: number, segments = 3, table: Table = TABLE): SegmentUnit {
  return { phase: "full", table, segment, segments };
}

/** Documents with `n` from a number up to another, the latter not included. */
export function numbers(from: number, to: number): TargetDocument[] {
  return Array.from({ length: to - from }, (_, i) => ({ _id: from + i, n: from + i }));
}

/** Documents as records. */
export function recordsOf(documents: TargetDocument[]): SourceRecord[] {
  return documents.map((document) => ({
    op: "put",
    event: "SCAN",
    keys: { pk: { S: String(document["n"]) } },
    document,
  }));
}

/** Documents as an encoded batch. */
export function encoded(unit: SegmentUnit, documents: TargetDocument[]): EncodedBatch {
  const parts = documents.map((document) => BSON.serialize(document));
  let end = 0;
  const records = recordsOf(documents);
  return {
    unit,
    bytes: Buffer.concat(parts),
    ends: parts.map((part) => (end += part.length)),
    record: (index) => records[index]!,
  };
}

/** Writes documents to a segment's part. */
export async function write(target: Target, segment: number, documents: TargetDocument[]): Promise<void> {
  await target.write({ unit: unitOf(segment), records: recordsOf(documents) }, NEVER);
}

/** A target with an empty table. */
export async function begun(place: Place): Promise<Target> {
  const target = await place.open();
  await target.create(TABLE, NEVER);
  return target;
}

/** A finished table of three documents. */
export async function finished(place: Place): Promise<void> {
  const target = await begun(place);
  await write(target, 0, numbers(0, 3));
  await target.index(TABLE, INDEXES, { signal: NEVER });
}
