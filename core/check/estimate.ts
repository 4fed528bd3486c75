/** What the full phase takes at least, in read units and time, by the tables' sizes and the configured limits. */
import { readLanes } from "../config/read-concurrency.ts";
import type { Config } from "../config/config.ts";
import { rounded } from "../progress/quantities.ts";
import type { Estimate, TableEstimate } from "./plan.ts";

const SECOND = 1000;
const UNIT_BYTES = 4096;
/** A page has no more, whatever is asked for. */
const PAGE_BYTES = 1024 * 1024;

/** What is known of a table that is to be copied. */
export interface TableSize {
  name: string;
  items: number;
  bytes: number;
  segments: number;
  billing: "on demand" | "provisioned" | null;
  /** Units a second, of a provisioned table. */
  readCapacity: number | null;
  /** What its sample tells. */
  profile?: { averageStoredBytes: number | null } | null;
}

/** What limits a table's Scan beside its size. */
export interface Pace {
  config: Config;
  /** How long one request takes, in ms; undefined: not known. */
  roundTrip: number | undefined;
  /** What the machine has for this process. */
  cores: number;
}

/** A table by itself. */
export function estimateTable(size: TableSize, { config, roundTrip, cores }: Pace): TableEstimate {
  const { bytes, segments, readCapacity } = size;
  const pageBytes = Math.min(bytes, pageBytesOf(size, config["qps.full.batch_num"]));
  const whole = pageBytes > 0 ? Math.floor(bytes / pageBytes) : 0;
  const rest = bytes - whole * pageBytes;
  const pages = Math.max(segments, whole + Math.ceil(rest / Math.max(1, pageBytes)));
  const consistent = config["full.read.consistent"];
  const readUnits = whole * unitsOf(pageBytes, consistent) + (rest > 0 ? unitsOf(rest, consistent) : 0);
  const capacity = Math.min(config["full.read.capacity"] ?? Infinity, readCapacity || Infinity);
  const lanes = Math.min(segments, readLanes(config, cores));
  const seconds = Math.max(
    pages / config["qps.full"],
    readUnits / capacity,
    roundTrip === undefined ? 0 : (pages * roundTrip) / lanes / SECOND,
  );
  return {
    pages,
    pageBytes: Math.round(pageBytes),
    readUnits: Math.ceil(readUnits),
    seconds: rounded(seconds),
  };
}

/** All tables that are to be copied. */
export function estimateAll(sizes: TableSize[], pace: Pace): Estimate {
  const { config, roundTrip, cores } = pace;
  const each = sizes.map((size) => ({ size, ...estimateTable(size, pace) }));
  const sum = (value: (table: (typeof each)[number]) => number): number =>
    each.reduce((total, table) => total + value(table), 0);
  const pages = sum((table) => table.pages);
  const capacity = config["full.read.capacity"];
  /** So many tables at once, and none faster than it can be. */
  const sideBySide = (seconds: (table: (typeof each)[number]) => number): number =>
    Math.max(sum(seconds) / config["full.concurrency"], ...each.map(seconds), 0);
  const limits: [what: string, seconds: number][] = [
    [`qps.full = ${config["qps.full"]}`, pages / config["qps.full"]],
    [
      `full.read.capacity = ${capacity}`,
      capacity === undefined ? 0 : sideBySide(({ readUnits }) => readUnits / capacity),
    ],
    [
      "the tables' provisioned read capacity",
      sideBySide(({ readUnits, size }) => readUnits / (size.readCapacity || Infinity)),
    ],
    [
      `the ${rounded(roundTrip ?? 0)} ms that one request takes`,
      roundTrip === undefined
        ? 0
        : Math.max(
            (pages * roundTrip) / readLanes(config, cores) / SECOND,
            ...each.map(({ pages, size }) => (pages * roundTrip) / size.segments / SECOND),
          ),
    ],
  ];
  const [slowest] = limits.toSorted(([, a], [, b]) => b - a);
  const readUnits = sum((table) => table.readUnits);
  return {
    items: sum(({ size }) => size.items),
    bytes: sum(({ size }) => size.bytes),
    pages,
    readUnits,
    consistent: config["full.read.consistent"],
    cost: costOf(each),
    writeBytes: sum(({ size: { items, bytes, profile } }) =>
      profile?.averageStoredBytes ? items * profile.averageStoredBytes : bytes,
    ),
    seconds: rounded(slowest![1]),
    limitedBy: slowest![1] > 0 ? slowest![0] : null,
    roundTrip: roundTrip === undefined ? null : rounded(roundTrip),
  };
}

/** The size of a page of so many items, in bytes; undefined: of as many as it holds. */
export function pageBytesOf(
  { items, bytes }: Pick<TableSize, "items" | "bytes">,
  limit: number | undefined,
): number {
  if (items === 0) return 0;
  return limit === undefined ? PAGE_BYTES : Math.min(PAGE_BYTES, (limit * bytes) / items);
}

/** How many items fill a page, where that is more than are asked for: a round number. */
export function largerLimit(size: Pick<TableSize, "items" | "bytes">, limit: number): number | undefined {
  if (size.items === 0 || size.bytes === 0) return undefined;
  const fits = Math.floor((PAGE_BYTES * size.items) / size.bytes);
  const round = 10 ** Math.max(0, String(Math.min(fits, 10_000)).length - 1);
  const better = Math.floor(Math.min(fits, 10_000) / round) * round;
  return better >= 2 * limit ? better : undefined;
}

/** Of a page, in read units. */
function unitsOf(bytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / UNIT_BYTES)) * (consistent ? 1 : 0.5);
}

function costOf(tables: { size: TableSize; readUnits: number }[]): string {
  const of = (billing: TableSize["billing"]): number =>
    tables.reduce((sum, { size, readUnits }) => sum + (size.billing === billing ? readUnits : 0), 0);
  const parts = [
    [of("on demand"), "read request units, on demand"],
    [of("provisioned"), "read units of provisioned capacity, which is paid for anyway"],
    [of(null), "read units"],
  ] as const;
  const said = parts
    .filter(([units]) => units > 0)
    .map(([units, what]) => `about ${inWords(units)} ${units <= 1 ? what.replace("units", "unit") : what}`);
  return said.length === 0 ? "next to nothing" : said.join("; ");
}

/** `3.2 million`: no estimate has more digits. */
function inWords(count: number): string {
  const [size, name] = (
    [
      [1e9, " billion"],
      [1e6, " million"],
      [1e3, " thousand"],
    ] as const
  ).find(([size]) => count >= size) ?? [1, ""];
  return `${Number((count / size).toPrecision(2))}${name}`;
}
