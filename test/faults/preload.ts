/**
 * Stands before the tool (`bun --preload`): its clock is off by what a file says, and its syncs of files take longer or
 * fail. The file's path is in FAULTS_SKEW, see {@link Skew}; it is read over and over.
 */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** How often the file is read, in ms. */
const LOOK = 50;

/** What stands in the file. */
export interface Skew {
  /** What the clock is off by, in ms. */
  clock: number;
  /** What a sync of a file takes longer, in ms. */
  sync: number;
  /** A sync fails. */
  fails: boolean;
}

const file = process.env["FAULTS_SKEW"];
let skew: Skew = { clock: 0, sync: 0, fails: false };

function look(): void {
  try {
    skew = JSON.parse(readFileSync(file!, "utf8")) as Skew;
  } catch {
    // not there yet, or half written
  }
}

if (file !== undefined) {
  look();
  setInterval(look, LOOK).unref();
  const Real = Date;
  const now = (): number => Real.now() + skew.clock;
  globalThis.Date = new Proxy(Real, {
    construct: (_, args: []) => (args.length === 0 ? new Real(now()) : new Real(...args)),
    apply: () => new Real(now()).toString(),
    get: (_, name) => (name === "now" ? now : (Reflect.get(Real, name) as unknown)),
  });

  const handle = await open(process.execPath, "r");
  const prototype = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
  await handle.close();
  const { sync } = prototype;
  prototype.sync = async function (this: typeof prototype) {
    if (skew.sync > 0) await sleep(skew.sync);
    if (skew.fails)
      throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO", syscall: "fsync" });
    await sync.call(this);
  };
}
