/** What is worth a look before a start, though it doesn't refuse it. */
import { fewOf } from "../progress/quantities.ts";
import type { Config } from "../config/config.ts";
import { LONGEST_FULL_PHASE } from "../run/retention.ts";
import { targetNameOf } from "../schema/keys.ts";
import type { Table } from "../types.ts";
import { largerLimit, pageBytesOf } from "./estimate.ts";
import { type Estimate, type TablePlan } from "./plan.ts";

const HOUR = 3600;
const GIB = 1024 ** 3;
/** Of a large table fewer leave much of what source and target can do unused. */
const FEW_SEGMENTS = 4;
/** A page has 1 MB; one below this is small. */
const SMALL_PAGE = 256 * 1024;
/** A table with fewer items is soon read, in whatever pages. */
const MANY_ITEMS = 100_000;
/** What is estimated is the least: from so much of a day on, changes may be lost. */
const RISKY: number = LONGEST_FULL_PHASE / 2000 / HOUR;

/** What is looked at. */
export interface WarningFacts {
  config: Config;
  tables: Table[];
  plans: TablePlan[];
  /** Those that a start copies. */
  copied: TablePlan[];
  estimate: Estimate;
}

/** One sentence for each kind, with the tables that it is about. */
export function warningsOf(facts: WarningFacts): string[] {
  return [dropped, idInKey, shardKeys, lossyKeys, retention, smallPages, fewSegments].flatMap(
    (look) => look(facts) ?? [],
  );
}

type Look = (facts: WarningFacts) => string | undefined;

const dropped: Look = ({ config, plans }) => {
  const gone = plans.filter(({ existing }) => existing === "dropped");
  if (gone.length === 0) return undefined;
  return `target.db.exist = drop: a start deletes ${fewOf(targets(gone))} of database ${config.id} with all that is in them`;
};

const idInKey: Look = ({ config, tables }) => {
  if (config["convert._id"] !== "" || config["target.type"] === "aliyun_dynamo_proxy") return undefined;
  const mixed = tables.filter(({ keys }) => keys.sort !== undefined && hasId(keys));
  if (mixed.length === 0) return undefined;
  return `_id is a part of the key of ${fewOf(names(mixed))}: MongoDB has its own _id, set convert._id = pre, say`;
};

const hasId = ({ partition, sort }: Table["keys"]): boolean =>
  [partition, sort].some((each) => each !== undefined && targetNameOf(each) === "_id");

const shardKeys: Look = ({ config, tables }) => {
  if (config["target.type"] !== "mongodb" || config["target.mongodb.type"] !== "sharding") return undefined;
  const numbers = tables.filter(({ keys }) => keys.partition.type === "N");
  if (numbers.length === 0) return undefined;
  return `the shard key of ${fewOf(names(numbers))} is a number: hashed, those beyond 64 bits, or with the same whole part, come to one chunk`;
};

const lossyKeys: Look = ({ config, tables }) => {
  if (config["convert.type"] !== "mchange") return undefined;
  const numbers = tables.filter(({ keys }) => keys.partition.type === "N" || keys.sort?.type === "N");
  if (numbers.length === 0) return undefined;
  return `convert.type = mchange makes doubles of numbers: a key of ${fewOf(names(numbers))} that would lose digits ends the run`;
};

const retention: Look = ({ config, estimate }) => {
  if (config.sync_mode !== "all" || config.incr_sync_parallel) return undefined;
  const hours = estimate.seconds / HOUR;
  if (hours < RISKY) return undefined;
  return `the full phase takes at least ${Math.round(hours)} h, and a stream keeps changes for 24 h: set incr_sync_parallel = true, or raise what limits it (${estimate.limitedBy})`;
};

const smallPages: Look = ({ config, copied }) => {
  const limit = config["qps.full.batch_num"];
  if (limit === undefined) return undefined;
  const small = copied.filter(
    (table) =>
      table.items >= MANY_ITEMS && pageBytesOf(table, limit) < SMALL_PAGE && largerLimit(table, limit),
  );
  const [first] = small.toSorted((a, b) => b.estimate.pages - a.estimate.pages);
  if (first === undefined) return undefined;
  const better = largerLimit(first, limit)!;
  const [bytes, more] = [pageBytesOf(first, limit), pageBytesOf(first, better)];
  return (
    `pages are small: with qps.full.batch_num = ${limit} a page of ${first.name} has ${kilobytes(bytes)} and it takes ` +
    `${first.estimate.pages} of them; with ${better} it has ${kilobytes(more)}, and ${Math.ceil(first.bytes / more)} do` +
    (small.length > 1 ? `; so have ${small.length - 1} other tables` : "")
  );
};

const fewSegments: Look = ({ config, copied }) => {
  const large = copied.filter(({ bytes, segments }) => bytes >= GIB && segments < FEW_SEGMENTS);
  if (large.length === 0 || config["full.read.concurrency"] === "auto") return undefined;
  const how = large.every(({ segments }) => segments === 1) ? "one segment" : "few segments";
  return `${fewOf(names(large))} ${large.length === 1 ? "is" : "are"} large and read in ${how}: full.read.concurrency = auto reads several at once`;
};

const names = (tables: { name: string }[]): string[] => tables.map(({ name }) => name);
const targets = (plans: TablePlan[]): string[] => plans.map(({ targetName }) => targetName);

function kilobytes(bytes: number): string {
  return bytes >= 1000 * 1000 ? "1 MB" : `${Math.max(1, Math.round(bytes / 1000))} KB`;
}
