/** Values on their way, as lines of JSON on the disk: there may be as many as a table has items. */
import { type FileHandle, open } from "node:fs/promises";
import { openPrivate } from "../host/durable-files.ts";
import { linesOf } from "../host/lines.ts";

/** A file that lines are added to. */
export interface LineFile<Value> {
  readonly path: string;
  /** Lines added. */
  readonly count: number;
  /** Resolves when the lines are written, or wait for others. */
  add(values: Value[]): Promise<void>;
  /** Resolves when all lines can be read. */
  close(): Promise<void>;
}

const CHUNK = 256 * 1024;

/** Makes an empty one; what is there is overwritten. */
export async function createLineFile<Value>(path: string): Promise<LineFile<Value>> {
  const file: FileHandle = await openPrivate(path, "w");
  let count = 0;
  let text = "";
  let writing: Promise<void> = Promise.resolve();

  /** Writes what has been added, behind what is being written. */
  function write(): Promise<void> {
    const before = writing;
    const chunk = text;
    text = "";
    writing = (async () => {
      await before;
      await file.appendFile(chunk);
    })();
    return writing;
  }

  return {
    path,
    get count() {
      return count;
    },
    async add(values) {
      count += values.length;
      for (const value of values) text += `${JSON.stringify(value)}\n`;
      if (text.length > CHUNK) await write();
    },
    async close() {
      try {
        await write();
      } finally {
        await file.close();
      }
    },
  };
}

/** Reads a file of lines, so many at a time. */
export async function* readLineFile<Value>(path: string, size: number): AsyncGenerator<Value[]> {
  const file = await open(path, "r");
  try {
    let values: Value[] = [];
    for await (const line of linesOf(file)) {
      values.push(JSON.parse(line) as Value);
      if (values.length < size) continue;
      yield values;
      values = [];
    }
    if (values.length > 0) yield values;
  } finally {
    await file.close().catch(() => {});
  }
}
