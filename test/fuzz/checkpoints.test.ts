/** Leases and states that another program, an older version or a broken disk has left: taken as they are meant, or refused by name. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { decodeRow, encodeRow } from "../../core/checkpoint/nimoshake-rows.ts";
import { readState, runSchema, tableSchema, unitSchema } from "../../core/checkpoint/run-state.ts";
import { MigrationError } from "../../core/errors.ts";
import { thisProcess } from "../../core/host/process.ts";
import { described } from "../../core/plugin/lease-lost.ts";
import type { Holder } from "../../core/plugin/roles.ts";
import { isHolderRunning } from "../../core/run/lease.ts";
import { fileLease } from "../../plugins/checkpoint/file/lease.ts";
import { codeOf, fuzz } from "./fuzzing.ts";
import { mangled, warped } from "./mutations.ts";

const TTL = 30_000;
const holder = (token: string): Holder => ({ ...thisProcess(), token, since: "2026-01-01T00:00:00.000Z" });
const OURS = holder("ours");

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "nimo-fuzz-lease-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What somebody finds: nobody says more than it says, and who is new waits for it until it is old. */
async function claimed({ bytes, isOld }: { bytes: Buffer; isOld: boolean }): Promise<string> {
  const path = join(folder, "lease");
  const lease = fileLease(folder, "app");
  await writeFile(path, bytes);
  if (isOld) await utimes(path, 1, 1);
  const found = await lease.find!();
  expect(found).toBeDefined();
  expect(described(found!.holder)).not.toMatch(/undefined|\[object/);
  expect([true, false, undefined]).toContain(isHolderRunning(found!.holder));
  const { holder: has } = await lease.claim(OURS, { ttl: TTL });
  const isOurs = has.token === OURS.token;
  expect(isOurs).toBe(isOld || bytes.equals(Buffer.from(JSON.stringify(OURS))));
  if (!isOurs) {
    expect(bytes.equals(await readFile(path))).toBe(true);
    expect((await lease.renew(OURS))?.holder.token).not.toBe(OURS.token);
  }
  await lease.release(OURS);
  return isOurs ? "had" : "another's";
}

describe("a lease's file", () => {
  const text = fc
    .constantFrom(holder("x"), { ...holder("x"), host: "other" })
    .map((each) => JSON.stringify(each));

  fuzz("leases with broken bytes", {
    inputs: fc.record({ bytes: mangled(text.map((each) => Buffer.from(each))), isOld: fc.boolean() }),
    runs: 60,
    check: claimed,
    sees: ["had", "another's"],
  });

  fuzz("leases with other members", {
    inputs: fc.record({
      bytes: warped(text.map((each) => JSON.parse(each) as unknown)).map((each) =>
        Buffer.from(JSON.stringify(each) ?? "null"),
      ),
      isOld: fc.boolean(),
    }),
    runs: 60,
    check: claimed,
    sees: ["had", "another's"],
  });
});

describe("states", () => {
  const unit = { position: { pk: { S: "a" } }, read: 5, filtered: 1, overflowed: 0, bytes: 100 };
  const table = {
    run: "r",
    stage: "copying",
    made: "m",
    source: "s",
    key: "pk S",
    targetName: "t",
    units: 4,
    secondary: ["a"],
    copy: { at: 5, stream: "x" },
    noted: true,
  };
  const run = {
    id: "r",
    settings: { a: "b" },
    startedAt: "2026-01-01T00:00:00.000Z",
    followed: true,
    adopted: [{ table: "t", state: table }],
  };
  const numbers = fc.constantFrom(-1, 0.5, 1e7, 1e300, 2 ** 53);
  const odd = fc.constantFrom<[string, string]>(["unit", "read"], ["unit", "bytes"], ["table", "units"]);

  /** Whatever is taken can be worked with: as many units as it says are made. */
  function read(kind: string, saved: unknown): string {
    try {
      if (kind === "unit") {
        const { position, bytes, ...counts } = readState(unitSchema, saved, "place")!;
        expect(Number.isFinite(bytes) && bytes >= 0).toBe(true);
        for (const each of Object.values(counts)) expect(Number.isInteger(each) && each >= 0).toBe(true);
        expect(typeof (position ?? {})).toBe("object");
      } else if (kind === "table") expect(readState(tableSchema, saved, "place")!.units).toBeLessThan(2e6);
      else readState(runSchema, saved, "place");
      return "right";
    } catch (error) {
      expect((error as MigrationError).hint).toBeDefined();
      return codeOf(error);
    }
  }

  fuzz("states with other members", {
    inputs: fc.oneof(
      fc.tuple(fc.constant("unit"), warped(fc.constant(unit))),
      fc.tuple(fc.constant("table"), warped(fc.constant(table))),
      fc.tuple(fc.constant("run"), warped(fc.constant(run))),
    ),
    runs: 300,
    check: ([kind, saved]) => (saved === undefined ? "nothing" : read(kind, saved)),
    sees: ["right", "CHECKPOINT_MISMATCH"],
  });

  fuzz("states with numbers that count nothing", {
    inputs: fc.tuple(odd, numbers),
    runs: 30,
    check([[kind, name], value]) {
      const saved = { ...(kind === "unit" ? unit : table), [name]: value };
      const outcome = read(kind, saved);
      const isCount =
        (name === "bytes" || Number.isInteger(value)) && value >= 0 && (name !== "units" || value <= 1e6);
      expect(outcome).toBe(isCount ? "right" : "CHECKPOINT_MISMATCH");
      return outcome;
    },
  });

  fuzz("rows of shards with other members", {
    inputs: warped(
      fc.constant(
        encodeRow({
          id: "shard",
          parent: "p",
          status: "running",
          position: { at: "sequence", number: "5", inclusive: false },
          time: 1e12,
        }),
      ),
    ),
    runs: 200,
    check(row) {
      try {
        const { position, id } = decodeRow(row);
        expect(id).not.toBe("");
        if (position.at === "sequence") expect(position.number).toMatch(/^\d+$/);
        return "right";
      } catch (error) {
        return codeOf(error);
      }
    },
    sees: ["right", "CHECKPOINT_MISMATCH"],
  });
});
