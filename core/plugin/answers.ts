/**
 * What others' plugins answer in their roles, looked at before anybody works with it: what is no list or no page would
 * end as a defect, and a shard's page without `tip`, say, would never let its table be followed to the end.
 */
import { MigrationError } from "../errors.ts";
import type { Roles } from "./roles.ts";
import { isCount, isObject } from "./shape.ts";
import type { PollOptions, ShardReader } from "./streams.ts";

/** Says what is wrong; undefined: nothing is. */
type Look = (answer: unknown) => string | undefined;

const optional =
  (look: Look): Look =>
  (answer) =>
    answer === undefined ? undefined : look(answer);
const listOf =
  (each: Look): Look =>
  (answer) => {
    if (!Array.isArray(answer)) return "no list";
    for (let at = 0; at < answer.length; at++) {
      const problem = each(answer[at]);
      if (problem !== undefined) return `${problem} (at ${at})`;
    }
    return undefined;
  };
const item: Look = (answer) => (isObject(answer) ? undefined : "an item that is no object");
const text: Look = (answer) => (typeof answer === "string" ? undefined : "no text");
const moment: Look = (answer) => (Number.isFinite(answer) ? undefined : "no time in ms");
const table: Look = (answer) => {
  if (!isObject(answer) || typeof answer["name"] !== "string") return "a table without a name";
  if (typeof answer["targetName"] !== "string") return "a table without a targetName";
  const { keys } = answer;
  if (!isObject(keys) || !isObject(keys["partition"])) return "a table without keys";
  return Array.isArray(answer["secondary"]) ? undefined : "a table whose secondary is no list";
};
const unit: Look = (answer) =>
  isObject(answer) && Number.isInteger(answer["segment"]) ? undefined : "a unit without a segment";
const shard: Look = (answer) =>
  isObject(answer) && typeof answer["id"] === "string" ? undefined : "a shard without an id";
const pages: Look = (answer) =>
  isObject(answer) && Symbol.asyncIterator in answer ? undefined : "nothing that can be iterated over";
const count: Look = (answer) => (isCount(answer) ? undefined : "no count");
const parts: Look = (answer) => (answer instanceof Map ? undefined : "no Map of what is kept");
const kept: Look = (answer) =>
  isObject(answer) && typeof answer["name"] === "string" && Number.isFinite(answer["savedAt"])
    ? undefined
    : "something without a name and a savedAt";
const other: Look = (answer) =>
  isObject(answer) && typeof answer["id"] === "string" && typeof answer["name"] === "string"
    ? undefined
    : "something without an id and a name";
const holding: Look = (answer) => {
  // Of a clock that is behind it is below zero.
  if (!isObject(answer) || !Number.isFinite(answer["age"])) return "no holding with an age";
  const { holder } = answer;
  return isObject(holder) && typeof holder["token"] === "string"
    ? undefined
    : "a holding without a holder's token";
};
const reader: Look = (answer) =>
  isObject(answer) && typeof answer["poll"] === "function" ? undefined : "a reader without poll";

/** What is looked at of an object's methods. */
interface Looks {
  /** Those whose answers are awaited. */
  awaited: Record<string, Look>;
  /** Those that answer at once. */
  atOnce?: Record<string, Look>;
  /** What they give is looked at further when it is used. */
  later?: Record<string, (answer: never, who: string, by: string) => unknown>;
  /** Members that have methods of their own. */
  parts?: Record<string, Looks>;
}

const LOOKS: Partial<Record<keyof Roles, Looks>> = {
  source: {
    awaited: {
      tables: listOf(table),
      newTables: listOf(table),
      describe: optional(table),
      absent: listOf(item),
      items: listOf(item),
      expiry: optional(text),
    },
    atOnce: { units: listOf(unit), read: pages },
    later: { read: checkedSteps },
  },
  streams: {
    awaited: { open: text, shards: listOf(shard), children: listOf(shard), enabled: optional(text) },
    atOnce: { read: reader, clock: optional(moment), madeAt: optional(moment) },
    later: { read: checkedReader },
  },
  target: {
    awaited: {
      find: optional(text),
      makeRoom: optional(text),
      index: count,
      sample: listOf(item),
      aside: listOf(text),
    },
    atOnce: { keys: pages },
    later: { keys: checkedSteps },
  },
  checkpoint: {
    awaited: {
      load: parts,
      list: listOf(kept),
      elsewhere: optional(item),
      others: listOf(other),
    },
    parts: { lease: { awaited: { claim: holding, find: optional(holding), renew: optional(holding) } } },
  },
};

/**
 * A role whose answers are looked at with each call; they fail with PLUGIN_INVALID then.
 *
 * @param by the plugin that fills it
 */
export function answering<Role extends keyof Roles>(
  role: Role,
  implementation: Roles[Role],
  by: string,
): Roles[Role] {
  const looks = LOOKS[role];
  return looks === undefined ? implementation : looked(implementation, looks, role, by);
}

/** @param who it is, in words */
function looked<T extends object>(implementation: T, looks: Looks, who: string, by: string): T {
  const { awaited, atOnce = {}, later = {}, parts = {} } = looks;

  function checked(name: string, look: Look, answer: unknown): unknown {
    const problem = look(answer);
    if (problem !== undefined) throw invalid(`${who}.${name} gives ${problem}`, by);
    return ownOf(later, name)?.(answer as never, `${who}.${name}`, by) ?? answer;
  }

  // Not of the implementation itself: a proxy has to give what a frozen object has.
  return new Proxy({} as T, {
    has: (_, name) => Reflect.has(implementation, name),
    set: (_, name, value) => Reflect.set(implementation, name, value),
    get(_, name) {
      const value: unknown = Reflect.get(implementation, name, implementation);
      if (typeof name !== "string") return value;
      const part = ownOf(parts, name);
      if (part !== undefined && isObject(value)) return looked(value, part, `${who}.${name}`, by);
      if (typeof value !== "function") return value;
      const call = (given: unknown[]): unknown => Reflect.apply(value, implementation, given);
      const [then, now] = [ownOf(awaited, name), ownOf(atOnce, name)];
      if (then !== undefined) return async (...given: unknown[]) => checked(name, then, await call(given));
      return (...given: unknown[]) => (now === undefined ? call(given) : checked(name, now, call(given)));
    },
  });
}

function ownOf<Value>(values: Record<string, Value>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** The steps of an iteration: what is none would end as a defect. */
function checkedSteps(steps: AsyncIterable<unknown>, who: string, by: string): AsyncIterable<unknown> {
  const step = <T>(answer: T): T => {
    if (isObject(answer)) return answer;
    throw invalid(`an iteration of what ${who} gives has a step that is no object`, by);
  };
  return {
    [Symbol.asyncIterator]() {
      const iterator = steps[Symbol.asyncIterator]();
      return {
        next: async (...given) => step(await iterator.next(...given)),
        return: async (value?: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
      };
    },
  };
}

/** A page that was no page is lost with what was in it: nothing may be read behind it. */
function checkedReader(shardReader: ShardReader, _who: string, by: string): ShardReader {
  let wrong: MigrationError | undefined;
  return {
    async poll(options: PollOptions) {
      if (wrong !== undefined) throw wrong;
      const found = await shardReader.poll(options);
      const problem = pageProblem(found);
      if (problem === undefined) return found;
      wrong = invalid(`poll gives ${problem}`, by);
      throw wrong;
    },
  };
}

/** What is wrong with a shard's page; records that are made when somebody asks aren't asked for. */
function pageProblem(page: unknown): string | undefined {
  if (!isObject(page)) return "a page that is no object";
  const { bytes, tip, ended, sentAt, skipped = 0, changes } = page;
  if (!isCount(bytes)) return "a page that doesn't say how many bytes it has";
  if (typeof tip !== "boolean" || typeof ended !== "boolean")
    return "a page that doesn't say whether it is the tip, or the shard has ended";
  if (!Number.isFinite(sentAt)) return "a page that doesn't say when it was asked for (sentAt)";
  if (!isCount(skipped)) return "a page whose skipped is no number of records";
  if (changes === undefined) return listOf(recordProblem)(page["records"]);
  return Array.isArray(changes) ? undefined : "a page whose changes are no list";
}

function recordProblem(record: unknown): string | undefined {
  if (!isObject(record) || !isObject(record["keys"])) return "a record without keys";
  const { op, item: image, sequenceNumber, time } = record;
  if (op !== "put" && op !== "delete") return "a record without an op, put or delete";
  if (op === "put" && !isObject(image)) return "a put without an item";
  // Both are kept, and have to be read and compared again.
  if (sequenceNumber !== undefined && !isNumeral(sequenceNumber))
    return "a record whose sequenceNumber is no text of digits";
  return time === undefined || Number.isFinite(time) ? undefined : "a record whose time is no number";
}

function isNumeral(value: unknown): boolean {
  return typeof value === "string" && /^\d+$/.test(value);
}

function invalid(what: string, plugin: string): MigrationError {
  return new MigrationError("PLUGIN_INVALID", `${what}: plugin ${plugin}`, {
    hint: "let the plugin return what its role's documentation says",
  });
}
