/**
 * What others' plugins answer as source or streams, looked at before anybody works with it: what is no list or no page would
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
const reader: Look = (answer) =>
  isObject(answer) && typeof answer["poll"] === "function" ? undefined : "a reader without poll";

/** By role the methods whose answers are awaited. */
const AWAITED: Partial<Record<keyof Roles, Record<string, Look>>> = {
  source: {
    tables: listOf(table),
    newTables: listOf(table),
    describe: optional(table),
    absent: listOf(item),
    items: listOf(item),
    expiry: optional(text),
  },
  streams: { open: text, shards: listOf(shard), children: listOf(shard), enabled: optional(text) },
};
/** By role those that answer at once. */
const AT_ONCE: Partial<Record<keyof Roles, Record<string, Look>>> = {
  source: { units: listOf(unit), read: pages },
  streams: { read: reader, clock: optional(moment), madeAt: optional(moment) },
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
  const [awaited, atOnce] = [AWAITED[role], AT_ONCE[role]];
  if (awaited === undefined || atOnce === undefined) return implementation;

  function checked(name: string, look: Look, answer: unknown): unknown {
    const problem = look(answer);
    if (problem !== undefined) throw invalid(`${role}.${name} gives ${problem}`, by);
    if (role !== "streams" || name !== "read") return answer;
    return checkedReader(answer as ShardReader, by);
  }

  // Not of the implementation itself: a proxy has to give what a frozen object has.
  return new Proxy({} as Roles[Role], {
    has: (_, name) => Reflect.has(implementation, name),
    set: (_, name, value) => Reflect.set(implementation, name, value),
    get(_, name) {
      const value: unknown = Reflect.get(implementation, name, implementation);
      if (typeof value !== "function" || typeof name !== "string") return value;
      const call = (given: unknown[]): unknown => Reflect.apply(value, implementation, given);
      const [then, now] = [lookOf(awaited, name), lookOf(atOnce, name)];
      if (then !== undefined) return async (...given: unknown[]) => checked(name, then, await call(given));
      return (...given: unknown[]) => (now === undefined ? call(given) : checked(name, now, call(given)));
    },
  });
}

function lookOf(looks: Record<string, Look>, name: string): Look | undefined {
  return Object.hasOwn(looks, name) ? looks[name] : undefined;
}

/** A page that was no page is lost with what was in it: nothing may be read behind it. */
function checkedReader(shardReader: ShardReader, by: string): ShardReader {
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
