/** A target in memory that keeps all its promises, or breaks one of them on purpose. */
import { randomUUID } from "node:crypto";
import { keyAttributes, keyText } from "../../core/schema/keys.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import type { Target } from "../../core/plugin/roles.ts";
import type { Batch, SourceRecord, Table, TargetDocument, WriteResult } from "../../core/types.ts";
import { setField } from "../../core/schema/set-field.ts";
import { memoryStored, STORED_FLAWS } from "./memory-stored.ts";

/** What is stored: outlives the targets, as a server does. */
export type MemoryStore = Map<string, { id: string; documents: Map<string, TargetDocument> }>;

/** Ways to be wrong, one at a time, and parts of the names of the cases that have to see it. */
export const FLAWS: Record<string, string[]> = {
  "find gives the name": ["one made anew is found as another"],
  "check makes the table": ["check changes nothing"],
  "create refuses what is there": ["create takes"],
  "makeRoom keeps the documents": ["target.db.exist = drop"],
  "makeRoom drops all tables": ["target.db.exist = drop"],
  "rename drops": ["rename keeps"],
  "the source's name is used": ["tables don't mix"],
  "the last record of a batch is lost": ["batches of one"],
  "binaries become text": ["values of every type"],
  "__proto__ is lost": ["attributes of any name"],
  "big items are cut": ["400 KB"],
  "the sort key is ignored": ["sort key"],
  "counts are of batches": ["batches of one"],
  "writes overtake each other and are lost": ["many writes at once"],
  "resume forgets the table": ["going on"],
  "what was written twice is doubled": ["more was written"],
  "the first image stays": ["what has changed"],
  "a put merges": ["replaces all of it"],
  "MODIFY of what is missing is dropped": ["of what is missing, MODIFY"],
  "INSERT of what is there is dropped": ["replaces all of it, INSERT"],
  "deletes of what is missing fail": ["deletes, of what is missing"],
  "keys are of one page": ["keys gives"],
  "keys have no sort key": ["keys gives"],
  "sample is made up": ["sample gives"],
  "index a second time fails": ["index can be asked for twice"],
  "close a second time fails": ["close can be called twice"],
  "documents wait for close": ["values of every type"],
  "count hangs when it is to stop": ["a run that is to stop"],
  "apply isn't there": ["what it is said to be able to"],
  ...STORED_FLAWS,
};

/** The plugin over a store, with a flaw or none. */
export function memoryTarget(store: MemoryStore, flaw?: string): Plugin {
  return {
    name: "memory",
    setup(ctx) {
      const exist = ctx.config["target.db.exist"];
      const has = (one: string): boolean => flaw === one;
      /** Documents that only close would write. */
      const late: (() => void)[] = [];
      let closed = 0;
      let wasIndexed = false;
      const nameOf = ({ name, targetName }: Table): string =>
        has("the source's name is used") ? name.replace(/[.\-_]\w*$/, "") : targetName;
      const placeOf = (table: Table) => {
        const place = store.get(nameOf(table));
        if (place === undefined) throw new Error(`there is no ${table.targetName}`);
        return place;
      };

      function textOf({ keys }: SourceRecord, table: Table): string {
        if (has("the sort key is ignored")) return JSON.stringify(keys[table.keys.partition.name]);
        return keyText(keys, table);
      }

      /** A document as this target keeps it. */
      function kept({ document }: SourceRecord): TargetDocument {
        const copy: TargetDocument = {};
        for (const [name, value] of Object.entries(document!)) {
          if (name === "__proto__" && has("__proto__ is lost")) continue;
          if (has("binaries become text") && name === "binary") copy[name] = "text";
          else if (has("big items are cut") && JSON.stringify(value).length > 1e5) copy[name] = "cut";
          else setField(copy, name, value);
        }
        return copy;
      }

      function write({ unit: { table }, records }: Batch): WriteResult {
        const { documents } = placeOf(table);
        const all =
          has("the last record of a batch is lost") && records.length > 1 ? records.slice(0, -1) : records;
        let replaced = 0;
        for (const record of all) {
          let text = textOf(record, table);
          if (documents.has(text)) {
            if (has("the first image stays")) continue;
            if (has("what was written twice is doubled")) text += Math.random();
            else replaced++;
          }
          documents.set(text, kept(record));
        }
        const counted = has("counts are of batches") ? 1 : records.length - replaced;
        return { inserted: counted, replaced, deleted: 0, duplicates: 0, ms: 0 };
      }

      function apply({ unit: { table }, records }: Batch): WriteResult {
        const { documents } = placeOf(table);
        const result = { inserted: 0, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
        for (const record of records) {
          const text = textOf(record, table);
          const before = documents.get(text);
          if (record.op === "delete") {
            if (before === undefined && has("deletes of what is missing fail")) throw new Error("missing");
            documents.delete(text);
            result.deleted++;
            continue;
          }
          result[before === undefined ? "inserted" : "replaced"]++;
          if (!before && record.event === "MODIFY" && has("MODIFY of what is missing is dropped")) continue;
          if (before && record.event === "INSERT" && has("INSERT of what is there is dropped")) continue;
          documents.set(text, has("a put merges") ? { ...before, ...kept(record) } : kept(record));
        }
        return result;
      }

      const target: Target = {
        place: "memory",
        async check(tables) {
          if (!has("check makes the table")) return;
          for (const table of tables) if (!store.has(nameOf(table))) await target.create(table, ctx.signal);
        },
        find: async (table) =>
          has("find gives the name") && store.has(nameOf(table))
            ? nameOf(table)
            : store.get(nameOf(table))?.id,
        async makeRoom(table) {
          const name = nameOf(table);
          const place = placeOf(table);
          if (has("makeRoom keeps the documents")) return;
          if (exist === "rename" && !has("rename drops")) store.set(`${name} kept`, place);
          if (has("makeRoom drops all tables")) store.clear();
          store.delete(name);
        },
        async create(table) {
          const isThere = store.has(nameOf(table));
          if (isThere && has("create refuses what is there")) throw new Error("it is there");
          if (isThere) return;
          store.set(nameOf(table), { id: randomUUID(), documents: new Map() });
        },
        async resume(table) {
          if (has("resume forgets the table")) placeOf(table).documents.clear();
        },
        async write(batch) {
          if (has("documents wait for close")) {
            late.push(() => write(batch));
            return { inserted: batch.records.length, replaced: 0, deleted: 0, duplicates: 0, ms: 0 };
          }
          if (!has("writes overtake each other and are lost")) return write(batch);
          const place = placeOf(batch.unit.table);
          const before = new Map(place.documents);
          await Promise.resolve();
          place.documents = before;
          return write(batch);
        },
        apply: async (batch) => apply(batch),
        async index(_table, indexes) {
          if (has("index a second time fails") && wasIndexed) throw new Error("again");
          wasIndexed = true;
          return indexes.length;
        },
        async count(table, signal) {
          if (signal.aborted && has("count hangs when it is to stop")) await new Promise(() => {});
          return placeOf(table).documents.size;
        },
        async *keys(table) {
          const all = [...placeOf(table).documents.values()];
          const { sort } = table.keys;
          for (let at = 0; at < all.length; at += 1000) {
            if (at > 0 && has("keys are of one page")) return;
            const some = all.slice(at, at + 1000);
            yield has("keys have no sort key") && sort !== undefined
              ? some.map((document) => ({ ...document, [sort.name]: undefined }))
              : some;
          }
        },
        async sample(table, count) {
          const all = [...placeOf(table).documents.values()].slice(0, count);
          if (!has("sample is made up")) return all;
          return all.map((document) => ({ ...document, [keyAttributes(table)[0]!.name]: "x" }));
        },
        close() {
          for (const write of late.splice(0)) write();
          if (closed++ > 0 && has("close a second time fails")) throw new Error("closed already");
        },
      };
      if (has("apply isn't there")) delete target.apply;
      if (!has("stored isn't there")) {
        const documentsOf = (table: Table) => store.get(nameOf(table))?.documents ?? new Map();
        Object.assign(target, { stored: memoryStored(ctx, documentsOf, has) });
      }
      ctx.provide("target", target);
    },
  };
}
