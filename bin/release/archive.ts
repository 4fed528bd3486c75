/** Archives that are the same bytes whenever, wherever and by whomever they are made of the same files. */
import { gzipSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { createTar } from "nanotar";

/** A file of an archive. */
export interface ArchiveFile {
  /** Its path in the archive. */
  name: string;
  data: Buffer;
  executable?: boolean;
}

const RUNNABLE = 0o755;
const READABLE = 0o644;
const LEVEL = 9;
/** In a tar file everything is a multiple of it. */
const BLOCK = 512;
/** In a zip file: the system that the attributes are of, and that what is told is a file. */
const UNIX = 3;
const FILE = 0o100000;

/**
 * Packs files, in their order.
 *
 * @param to its name: `.tar.gz` or `.zip`
 * @param time that all files have
 */
export function pack(to: string, files: readonly ArchiveFile[], time: Date): Buffer {
  return to.endsWith(".zip") ? zip(files, time) : tarGzip(files, time);
}

function tarGzip(files: readonly ArchiveFile[], time: Date): Buffer {
  const owner = { uid: 0, gid: 0, user: "root", group: "root", mtime: time.getTime() };
  const entries = files.map(({ name, data, executable }) => ({
    name,
    data: new Uint8Array(data),
    attrs: { mode: modeOf(executable).toString(8) },
  }));
  // Two empty blocks end the format; nanotar writes one, and GNU tar speaks of it.
  return gzipSync(Buffer.concat([createTar(entries, { attrs: owner }), Buffer.alloc(BLOCK)]), {
    level: LEVEL,
  });
}

function zip(files: readonly ArchiveFile[], time: Date): Buffer {
  // The format has the time of day where it was made: UTC's, wherever that is. It begins in 1980.
  const mtime = new Date(
    Math.max(time.getUTCFullYear(), 1980),
    time.getUTCMonth(),
    time.getUTCDate(),
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
  );
  const entries: Zippable = {};
  for (const { name, data, executable } of files)
    entries[name] = [data, { os: UNIX, attrs: ((FILE | modeOf(executable)) << 16) >>> 0 }];
  return Buffer.from(zipSync(entries, { level: LEVEL, mtime }));
}

function modeOf(executable = false): number {
  return executable ? RUNNABLE : READABLE;
}
