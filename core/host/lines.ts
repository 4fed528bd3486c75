/** The lines of a file. A runtime's own reader may also break them at U+2028 and U+2029, which JSON leaves in its texts. */
import type { FileHandle } from "node:fs/promises";

const CHUNK = 256 * 1024;

/**
 * Reads a file's lines from its begin, each without its end (LF, or CR LF); a byte order mark isn't one's.
 *
 * @param file isn't closed
 * @throws Error of the file system; TypeError where it is no UTF-8, whose replacement would be another text
 */
export async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  const buffer = Buffer.alloc(CHUNK);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const lines = decoder.decode(buffer.subarray(0, bytesRead), { stream: true }).split("\n");
    lines[0] = rest + lines[0]!;
    rest = lines.pop()!;
    for (const line of lines) yield withoutReturn(line);
  }
  rest += decoder.decode();
  if (rest !== "") yield withoutReturn(rest);
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);
