/** Contexts, converters, sources and targets in memory, for tests that need no server. */
import { loadConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/config.ts";
import { createContext, type OwnedContext } from "../../core/run/context.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Checkpoint, Converter, ReadOptions, Source, Target } from "../../core/plugin/roles.ts";
import type {
  Batch,
  Item,
  KeyAttribute,
  Page,
  SegmentUnit,
  SourceRecord,
  Table,
  Unit,
  WriteResult,
} from "../../core/types.ts";

/** The real defaults, with an address and these settings. */
export function testConfig(settings: Record<string, string> = {}): Config {
  const set = { "target.address": "mongodb://127.0.0.1:1", sync_mode: "full", ...settings };
  return loadConfig({ set }).config;
}

/** The converter a plugin provides under these settings. */
export async function setUpConverter(
  plugin: Plugin,
  settings: Record<string, string> = {},
): Promise<Converter> {
  const ctx = createContext({ config: testConfig(settings) });
  await ctx.use(plugin);
  return ctx.role("convert");
}

/** A table; keys as `name` (a string) or `name:N`. */
export function testTable(partition: string, sort?: string, more: Partial<Table> = {}): Table {
  const keys = { partition: keyAttribute(partition), ...(sort && { sort: keyAttribute(sort) }) };
  return { name: "t", targetName: "t", keys, secondary: [], itemCount: 0, sizeBytes: 0, ...more };
}

/** A key attribute from `name` (a string) or `name:N`. */
export function keyAttribute(text: string): KeyAttribute {
  const [name, type = "S"] = text.split(":") as [string, KeyAttribute["type"]?];
  return { name, type };
}

/** A scanned item as a record. */
export function scanned(item: Item, table: Table): SourceRecord {
  const names = [table.keys.partition.name, ...(table.keys.sort ? [table.keys.sort.name] : [])];
  const keys = Object.fromEntries(names.map((name) => [name, item[name]!]));
  return { op: "put", event: "SCAN", keys, item };
}

/** Items `{ pk: "<from>" }` up to `{ pk: "<from + count - 1>" }`. */
export function numbered(table: Table, from: number, count: number): SourceRecord[] {
  return Array.from({ length: count }, (_, i) => scanned({ pk: { S: String(from + i) } }, table));
}

/** A page of these records that counts 100 bytes each. */
export function page(records: SourceRecord[]): Page {
  return { records, position: undefined, bytes: records.length * 100 };
}

/** A source whose units are these lists of pages, one list a segment. */
export function memorySource(
  segments: ((unit: Unit, options: ReadOptions) => AsyncIterable<Page> | Iterable<Page>)[],
): Source {
  return {
    tables: async () => [],
    units: (table): SegmentUnit[] =>
      segments.map((_, segment) => ({ phase: "full", table, segment, segments: segments.length })),
    async *read(unit, options) {
      yield* segments[unit.segment]!(unit, options);
    },
  };
}

/** What a {@link memoryTarget} has seen. */
export interface MemoryTarget extends Target {
  /** The batches in the order in which they were sent, as their primary keys. */
  batches: string[][];
  /** Writes on their way now, and the most there ever were. */
  running: number;
  most: number;
}

/** A target that remembers; `write` decides what becomes of a batch, else all of it is inserted. */
export function memoryTarget(
  write?: (batch: Batch, nth: number) => Promise<Partial<WriteResult> | void>,
): MemoryTarget {
  let stored = 0;
  const target: MemoryTarget = {
    batches: [],
    running: 0,
    most: 0,
    place: "memory",
    check: async () => {},
    find: async () => undefined,
    makeRoom: async () => {},
    create: async () => {},
    resume: async () => {},
    async write(batch) {
      target.running++;
      target.most = Math.max(target.most, target.running);
      const nth = target.batches.push(batch.records.map((record) => record.keys.pk!.S!)) - 1;
      try {
        const answer = await write?.(batch, nth);
        const result = {
          inserted: batch.records.length,
          replaced: 0,
          deleted: 0,
          duplicates: 0,
          ms: 0,
          ...answer,
        };
        stored += result.inserted;
        return result;
      } finally {
        target.running--;
      }
    },
    index: async (_table, indexes) => indexes.length,
    count: async () => stored,
  };
  return target;
}

/** A checkpoint that lasts as long as the object. */
export function memoryCheckpoint(): Checkpoint & {
  saves: number;
  states: Map<string, Map<string, unknown>>;
} {
  const states = new Map<string, Map<string, unknown>>();
  return {
    place: "memory",
    saves: 0,
    states,
    load: async (name) => new Map(states.get(name)),
    async save(name, parts) {
      this.saves++;
      // As a store keeps them: texts.
      const texts = [...parts].map(([part, state]) => [part, JSON.parse(JSON.stringify(state))] as const);
      states.set(name, new Map([...(states.get(name) ?? []), ...texts]));
    },
    clear: async (name) => void states.delete(name),
    async remove(name, parts) {
      for (const part of parts) states.get(name)?.delete(part);
    },
  };
}

/** A context with these in its roles; the converter only sets key and document. */
export async function memoryContext(
  source: Source,
  target: Target,
  settings: Record<string, string> = {},
  checkpoint: Checkpoint = memoryCheckpoint(),
): Promise<OwnedContext> {
  const ctx = createContext({ config: testConfig(settings) });
  const convert: Converter = {
    convert(records) {
      for (const record of records) {
        record.key = { ...record.keys };
        record.document = { ...record.item };
      }
      return { overflowed: 0 };
    },
    fieldPath: ({ name }) => name,
  };
  await ctx.use({
    name: "memory",
    setup(ctx) {
      ctx.provide("source", source);
      ctx.provide("target", target);
      ctx.provide("convert", convert);
      ctx.provide("checkpoint", checkpoint);
    },
  });
  return ctx;
}
