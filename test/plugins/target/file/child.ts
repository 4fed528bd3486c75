/**
 * A process that dumps a table and may be killed anywhere: `bun child.ts <folder> <states>`. How much of each
 * segment is acknowledged stands in the file `states`; a next process goes on from there.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { INDEXES, NEVER, numbers, openTarget, TABLE, unitOf, write } from "./place.ts";

/** Segments of the table. */
export const SEGMENTS = 3;
/** Documents of a segment; the first has those from 0, the next goes on from there. */
export const DOCUMENTS = 3000;
const BATCH = 100;
const AT_ONCE = 4;
const FILLER = "x".repeat(2000);

if (import.meta.main) await dump(process.argv[2]!, process.argv[3]!);

async function dump(folder: string, states: string): Promise<void> {
  const target = await openTarget(folder);
  const written: number[] = existsSync(states)
    ? (JSON.parse(readFileSync(states, "utf8")) as number[])
    : Array.from({ length: SEGMENTS }, () => 0);
  const made = await target.find(TABLE, NEVER);
  if (made === undefined) await target.create(TABLE, NEVER);
  else {
    const units = written.map((count, segment) => ({ unit: unitOf(segment, SEGMENTS), written: count }));
    await target.resume(TABLE, { units, indexes: [] }, NEVER);
  }
  const save = (): void => {
    writeFileSync(`${states}.new`, JSON.stringify(written));
    renameSync(`${states}.new`, states);
  };
  save();
  /** Notes a write that was acknowledged, and all before it. */
  const noted = async (writing: Promise<void>, before: Promise<void> | undefined, note: () => void) => {
    await writing;
    await before;
    note();
    save();
  };
  console.log(`made ${await target.find(TABLE, NEVER)}`);

  await Promise.all(
    written.map(async (_, segment) => {
      const onTheWay: Promise<void>[] = [];
      for (let from = written[segment]!; from < DOCUMENTS; from += BATCH) {
        const first = segment * DOCUMENTS + from;
        const to = segment * DOCUMENTS + Math.min(from + BATCH, DOCUMENTS);
        const before = onTheWay.at(-1);
        const documents = numbers(first, to).map((each) => ({ ...each, FILLER }));
        const writing = write(target, segment, documents);
        onTheWay.push(noted(writing, before, () => (written[segment] = to - segment * DOCUMENTS)));
        if (onTheWay.length >= AT_ONCE) await onTheWay.at(-AT_ONCE);
      }
      await Promise.all(onTheWay);
    }),
  );
  console.log(`count ${await target.count(TABLE, NEVER)}`);
  await target.index(TABLE, INDEXES, { signal: NEVER });
  console.log("done");
}
