/** What plugins' hooks do to their events: what they mean is done, and what can't be meant is refused by name, not lost. */
import { describe, expect } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../core/errors.ts";
import type { Context } from "../../core/plugin/context.ts";
import type { HookName } from "../../core/plugin/hooks.ts";
import type { Plugin } from "../../core/plugin/plugin.ts";
import { convertRecords } from "../../core/stages/convert.ts";
import { beforeWrite } from "../../core/stages/write.ts";
import type { Item, SourceRecord, Unit } from "../../core/types.ts";
import { createContext } from "../../core/run/context.ts";
import change from "../../plugins/convert/change.ts";
import raw from "../../plugins/convert/raw.ts";
import same from "../../plugins/convert/same.ts";
import { encodeRecords } from "../../plugins/target/_documents.ts";
import { testConfig, testTable } from "../fakes/context.ts";
import { codeOf, fuzz, type Outcome } from "./fuzzing.ts";

const TABLE = testTable("pk");
const UNITS: Unit[] = [
  { phase: "full", table: TABLE, segment: 0, segments: 1 },
  { phase: "incr", table: TABLE, shard: "s" },
];
const CONVERTERS: [string, Plugin][] = [
  ["change", change],
  ["raw", raw],
  ["same", same],
];
const EDITING: HookName[] = ["fetch:after", "convert:before", "convert:after", "write:before"];

/** A value that throws whatever is done with it. */
const thorny: unknown = new Proxy(
  {},
  {
    get() {
      throw new Error("a getter");
    },
    has() {
      throw new Error("a look");
    },
    ownKeys() {
      throw new Error("names");
    },
  },
);
const cycle: Record<string, unknown> = {};
cycle["S"] = cycle;
const ODD: unknown[] = [
  undefined,
  null,
  0,
  NaN,
  "",
  "put",
  true,
  [],
  {},
  [null],
  [{}],
  10n ** 40n,
  Symbol("s"),
  () => 1,
  new Date(NaN),
  new Map([["a", 1]]),
  Object.freeze({}),
  Object.create(null),
  thorny,
  cycle,
  { S: 1 },
  { S: "x", N: "1" },
  { N: "no number" },
  { M: { a: null } },
  { L: [thorny] },
];
/** By its place: not even who draws it can look at each of them. */
const odd = fc.nat(ODD.length - 1);

type Records = { records: SourceRecord[] };
type Loose = Record<string, unknown>;

/** What a hook does to its event; its `isMeant` says that it may do so. */
type Edit = { what: string; isMeant?: boolean; edit: (event: Records, by: unknown) => unknown };

const EDITS: Edit[] = [
  { what: "replaces the list", edit: (e, by) => void ((e as Loose)["records"] = by) },
  { what: "takes the list away", edit: (e) => void delete (e as Partial<Records>).records },
  { what: "replaces a record", edit: (e, by) => void ((e.records as unknown[])[0] = by) },
  { what: "adds one", edit: (e, by) => void (e.records as unknown[]).push(by) },
  { what: "leaves a hole", edit: (e) => void delete e.records[0] },
  {
    what: "takes all",
    isMeant: true,
    edit: (e) => void (e.records.length = 0),
  },
  { what: "freezes a record", edit: (e) => void Object.freeze(e.records[0]) },
  { what: "freezes all", edit: (e) => void Object.freeze(Object.freeze(e).records) },
  {
    what: "throws",
    edit: (_, by) => {
      throw by;
    },
  },
  { what: "rejects", edit: (_, by) => Promise.reject(by as Error) },
  {
    what: "rejects with an error without words",
    edit: () =>
      Promise.reject(
        Object.defineProperty(new Error("x"), "message", {
          get() {
            throw new Error("again");
          },
        }),
      ),
  },
  { what: "returns something", edit: (_, by) => by },
  ...["op", "event", "keys", "item", "oldItem", "key", "document"].flatMap((name): Edit[] => [
    { what: `sets ${name}`, edit: (e, by) => void ((e.records[0] as unknown as Loose)[name] = by) },
    { what: `deletes ${name}`, edit: (e) => void delete (e.records[0] as unknown as Loose)[name] },
    {
      what: `makes ${name} throw`,
      edit: (e) =>
        void Object.defineProperty(e.records[0]!, name, {
          get() {
            throw new Error("a getter");
          },
        }),
    },
  ]),
  { what: "sets an attribute", edit: (e, by) => void ((e.records[0]!.item as Loose)["a"] = by) },
  { what: "sets the key's attribute", edit: (e, by) => void ((e.records[0]!.item as Loose)["pk"] = by) },
  {
    what: "sets a field",
    edit: (e, by) => void (((e.records[0]!.document ?? e.records[0]!.item) as Loose)["a"] = by),
  },
  { what: "replaces the table", isMeant: true, edit: (e, by) => void ((e as Loose)["table"] = by) },
  { what: "replaces the unit", isMeant: true, edit: (e, by) => void ((e as Loose)["unit"] = by) },
];

const record = (pk: string): SourceRecord => {
  const item: Item = { pk: { S: pk }, n: { N: "1" } };
  return { op: "put", event: "INSERT", keys: { pk: { S: pk } }, item };
};

/** The way of records from the source to what a target in MongoDB or in files gets. */
async function walked(ctx: Context, unit: Unit): Promise<SourceRecord[]> {
  const { records } = await convertRecords(ctx, unit, [record("1"), record("2")]);
  const left = await beforeWrite(ctx, unit, records);
  encodeRecords(
    left.filter(({ op }) => op === "put"),
    TABLE,
    false,
  );
  return left;
}

interface Input {
  hook: HookName;
  edit: Edit;
  by: number;
  unit: Unit;
}

const input = fc.record({
  hook: fc.constantFrom(...EDITING),
  edit: fc.constantFrom(...EDITS),
  by: odd,
  unit: fc.constantFrom(...UNITS),
});

describe.each(CONVERTERS)("hooks before %s", (name, plugin) => {
  fuzz(`what hooks do to their events, ${name}`, {
    inputs: input,
    runs: 500,
    sees: ["right", "HOOK_FAILED", "DATA_UNFIT"],
    async check({ hook, edit, by, unit }: Input): Promise<Outcome> {
      await using ctx = createContext({ config: testConfig() });
      await ctx.use(plugin);
      ctx.hook(hook, ((event: Records) => edit.edit(event, ODD[by])) as never);
      try {
        const left = await walked(ctx, unit);
        if (edit.what === "takes all") expect(left).toEqual([]);
        else if (edit.what !== "replaces the list") expect(left.length).toBe(2);
        return "right";
      } catch (error) {
        const code = codeOf(error);
        const { message } = error as MigrationError;
        if (edit.isMeant) throw new Error(`refused: ${message}`, { cause: error });
        expect(message).toMatch(/hook|table t/);
        return code;
      }
    },
  });
});
