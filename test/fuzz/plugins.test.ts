/** Plugins that return something else than their roles say: the copy ends with a code, or with the counts that are right. */
import { describe, expect } from "bun:test";
import fc from "fast-check";
import { MigrationError } from "../../core/errors.ts";
import type { Page, WriteResult } from "../../core/types.ts";
import { copied, TABLE } from "../fakes/copying.ts";
import { memorySource, memoryTarget, numbered, page } from "../fakes/context.ts";
import { fuzz } from "./fuzzing.ts";

const ITEMS = 4;
const WRONG: unknown[] = [
  undefined,
  null,
  NaN,
  -1,
  Infinity,
  "4",
  {},
  [],
  [null],
  true,
  () => 4,
  { inserted: NaN },
];
const wrong = fc.constantFrom(...WRONG);

/** What a plugin does wrong. */
type Fault =
  | "page"
  | "records"
  | "op"
  | "item"
  | "units"
  | "bytes"
  | "result"
  | "inserted"
  | "count"
  | "throws"
  | "hook throws"
  | "nothing";

interface Input {
  fault: Fault;
  value: unknown;
}

async function run({ fault, value }: Input): Promise<string> {
  const source = memorySource([
    async function* (): AsyncGenerator<Page> {
      const right = page(numbered(TABLE, 0, ITEMS));
      if (fault === "throws") throw value;
      if (fault === "page") yield value as Page;
      else if (fault === "records") yield { ...right, records: value as Page["records"] };
      else if (fault === "op" || fault === "item") {
        const [first, ...others] = right.records;
        yield { ...right, records: [{ ...first!, [fault]: value }, ...others] };
      } else if (fault === "bytes") yield { ...right, bytes: value as number };
      else yield right;
    },
  ]);
  if (fault === "units") source.units = () => [];
  const target = memoryTarget(async () => (fault === "inserted" ? { inserted: value as number } : {}));
  const { write, count } = target;
  if (fault === "result") target.write = async () => value as WriteResult;
  else target.write = write.bind(target);
  target.count = async (table, signal) => (fault === "count" ? (value as number) : count(table, signal));
  const { surplus, counters } = await copied(source, target, {}, (ctx) => {
    if (fault !== "hook throws") return;
    ctx.hook("fetch:after", () => {
      throw value;
    });
  });
  const left = await surplus;
  expect(left).toBe(0);
  expect(fault).not.toBe("units");
  expect(counters.written).toBe(fault === "page" || fault === "records" ? counters.read : ITEMS);
  return "right";
}

describe("a plugin", () => {
  fuzz("plugins that return something else", {
    inputs: fc.record({
      fault: fc.constantFrom<Fault>(
        "page",
        "records",
        "op",
        "item",
        "units",
        "bytes",
        "result",
        "inserted",
        "count",
        "throws",
        "hook throws",
        "nothing",
      ),
      value: wrong,
    }),
    runs: 200,
    sees: ["right", "PLUGIN_INVALID"],
    async check(input) {
      try {
        return await run(input);
      } catch (error) {
        // Whatever is thrown on purpose may be anything; the command line gives it a code.
        if (input.fault === "throws") return "what was thrown";
        expect(error).toBeInstanceOf(MigrationError);
        expect((error as MigrationError).code).not.toBe("INTERNAL");
        return (error as MigrationError).code;
      }
    },
  });
});
