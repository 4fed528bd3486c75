/** What is different for good: counted, and told key by key. */
import type { Table } from "../types.ts";
import { differences } from "./difference.ts";
import type { Expiry } from "./expiry.ts";
import type { Look } from "./look.ts";
import { type Compared, differenceFault, type Fault, type Report } from "./report.ts";

/** What is done about a key, and what is said of it then: `rewritten`, `inserted`, `removed`. */
export type Mending = ReadonlyMap<Look, string>;

/** See the top of the file. */
export interface Faults {
  /**
   * Counts and tells what looks have found.
   *
   * @param mending what was done about them: they are counted as repaired
   */
  add(looks: Look[], mending?: Mending): Promise<void>;
  /** A document that no item can have. */
  addStranger(id: unknown, removed: boolean): Promise<void>;
  /** One that is none of an item. */
  addOther(fault: Omit<Fault, "table">): Promise<void>;
  /** Whether a key has expired by the table's TTL, and one side hasn't deleted it yet. */
  isExpired(look: Look): boolean;
  /** Of those that have expired, which are missing at the target. */
  readonly expiredMissing: number;
}

/**
 * A table's.
 *
 * @param counts is kept up to date
 * @param isExpired whether a key that is there on one side only has expired
 */
export function createFaults(table: Table, report: Report, counts: Compared, isExpired: Expiry): Faults {
  let expiredMissing = 0;
  const hasExpired = (look: Look): boolean =>
    (look.expected === undefined || look.found.length === 0) && isExpired(look);

  async function addOne(look: Look, repair: string | undefined): Promise<void> {
    if (hasExpired(look)) {
      counts.expired++;
      if (look.found.length === 0) expiredMissing++;
      return;
    }
    counts[repair === undefined ? columnOf(look) : "repaired"]++;
    for (const fault of faultsOf(table, look)) {
      await report.add({ ...fault, ...(repair !== undefined && { repair }) });
    }
  }

  return {
    async add(looks, mending) {
      for (const look of looks) await addOne(look, mending?.get(look));
    },
    async addStranger(target, removed) {
      counts[removed ? "repaired" : "extra"]++;
      await report.add({ table: table.name, kind: "extra", target, ...(removed && { repair: "removed" }) });
    },
    async addOther(fault) {
      counts[fault.repair === undefined ? "others" : "repaired"]++;
      await report.add({ table: table.name, ...fault });
    },
    isExpired: hasExpired,
    get expiredMissing() {
      return expiredMissing;
    },
  };
}

function columnOf({ expected, found }: Look): "different" | "missing" | "extra" {
  if (expected === undefined) return "extra";
  return found.length === 0 ? "missing" : "different";
}

function faultsOf({ name }: Table, { key, record, expected, found }: Look): Fault[] {
  if (expected === undefined) return [{ table: name, key, kind: "extra" }];
  if (found.length === 0) return [{ table: name, key, kind: "missing" }];
  if (found.length > 1) return [{ table: name, key, kind: "duplicate", source: 1, target: found.length }];
  return differences(expected, found[0]!, record?.item).map((each) => differenceFault(name, key, each));
}
