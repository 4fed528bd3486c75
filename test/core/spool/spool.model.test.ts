/** The spool over a disk that loses what isn't synced: a list of what was appended, cut off between any two steps. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { namesIn } from "../../../core/spool/segment-files.ts";
import { openShardLog, type ShardLog } from "../../../core/spool/shard-log.ts";
import { makeFolder } from "../../../core/host/durable-files.ts";
import type { SourceRecord } from "../../../core/types.ts";
import { type Crash, crash, crashingDisk } from "../../model/crashes.ts";
import { ON_DISK } from "../../model/disk.ts";
import { type FakeFiles, fakeFiles } from "../../model/files.ts";
import { runs } from "../../model/runs.ts";

setDefaultTimeout(3_600_000);

let files: FakeFiles;
beforeAll(async () => void (files = await fakeFiles()));
afterAll(() => files.restore());

const FOLDER = `${ON_DISK}/spool/t`;
/** Some appends share a segment. */
const SEGMENT_BYTES = 400;

type Step = { do: "append"; count: number; back: number } | { do: "discard"; part: number } | { do: "end" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 3 }),
      back: fc.nat(2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("discard" as const), part: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant({ do: "end" as const }) },
);
const process: fc.Arbitrary<{ steps: Step[]; crash: Crash }> = fc.record({
  steps: fc.array(step, { maxLength: 12 }),
  crash,
});

const records = (from: number, to: number): SourceRecord[] =>
  Array.from({ length: to - from }, (_, i) => {
    const keys = { pk: { S: `${from + i}`.repeat(10) } };
    return { op: "delete", event: "REMOVE", keys, sequenceNumber: String(from + i) };
  });

async function numbersIn(log: ShardLog, after: number): Promise<number[]> {
  const read = log.read(after === 0 ? undefined : String(after));
  const numbers: number[] = [];
  for (let some = await read(); some !== undefined; some = await read())
    numbers.push(...some.records.map(({ sequenceNumber }) => Number(sequenceNumber)));
  return numbers;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test("what was acknowledged is there, in order and once, whatever was cut off; what wasn't may be, and nothing else", () =>
  fc.assert(
    fc.asyncProperty(fc.array(process, { minLength: 1, maxLength: 6 }), async (processes) => {
      const { until } = crashingDisk(files);
      /** Numbers go from 1 to the one before the next; those up to acknowledged are surely there. */
      let [next, acknowledged, applied] = [1, 0, 0];
      let [isEnded, mayHaveEnded] = [false, false];

      async function check(log: ShardLog): Promise<void> {
        const upTo = Number(log.readUpTo ?? 0);
        expect(upTo).toBeGreaterThanOrEqual(acknowledged);
        expect(upTo).toBeLessThan(next);
        expect(await numbersIn(log, applied)).toEqual(range(applied + 1, upTo + 1));
        if (isEnded) expect(log.ended).toBe(true);
        if (!mayHaveEnded) expect(log.ended).toBe(false);
        [acknowledged, next] = [upTo, upTo + 1];
        isEnded = mayHaveEnded = log.ended;
      }

      async function run(steps: Step[]): Promise<void> {
        await makeFolder(FOLDER);
        const shard = { id: "run", table: "t", shard: "s", folder: FOLDER, prefix: "s" };
        const log = await openShardLog(shard, await namesIn(FOLDER), SEGMENT_BYTES);
        await check(log);
        for (const each of steps) {
          if (each.do === "append" && !isEnded) {
            const from = Math.max(1, next - each.back);
            const to = next + each.count;
            next = to;
            await log.append(records(from, to));
            acknowledged = to - 1;
          } else if (each.do === "end") {
            mayHaveEnded = true;
            await log.end();
            isEnded = true;
          } else if (each.do === "discard") {
            applied = Math.max(applied, Math.floor((each.part / 100) * acknowledged));
            if (applied > 0) await log.discard(String(applied));
          }
          expect(Number(log.readUpTo ?? 0)).toBe(acknowledged);
        }
      }

      for (const { steps, crash } of processes) await until(crash, () => run(steps));
      await until({ after: Number.POSITIVE_INFINITY, power: false, seed: 0 }, () => run([]));
    }),
    runs(200),
  ));
