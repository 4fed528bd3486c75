/**
 * The lease as a file in the folder of the states. Times are those that the folder's disk gives, which processes on
 * several hosts may share. Who has it writes what is to be saved into a folder of its own first. Who takes the lease over
 * takes all such folders of others away before it reads or saves anything, and then nothing can be renamed out of them
 * any more, however long their processes were paused.
 */
import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder, PRIVATE_FILE } from "../../../core/host/durable-files.ts";
import { isRunning } from "../../../core/host/process.ts";
import { leaseLost } from "../../../core/plugin/lease-lost.ts";
import type { Holder, Holding, LeaseKeeper } from "../../../core/plugin/roles.ts";
import { holderOf } from "../_holder.ts";
import { draftsIn, namesIn } from "./drafts.ts";
import { attempt, ignoreMissing } from "./state-file.ts";

const NAME = "lease";
/** A lease's file of another name is in use for milliseconds; one that is so old was left by a killed process, in ms. */
const LEFT = 3_600_000;
/** For so long a lease may be away, in ms: who tells old from new takes it aside and puts it back. */
const ASIDE = 500;
/** A lease's time may lie so far ahead without meaning anything, in ms. */
const AHEAD = 60_000;
/** Who misses it looks again after so long. */
const LOOK = 20;

/** Who looks on asks for the disk's time so often at most, in ms: it is had by writing. */
const DISK_TIME = 60_000;

/** Who looks on may have no right to write. */
const READ_ONLY: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EROFS"]);

/** What is found in the file. */
interface Found extends Holding {
  text: string;
  renewedAt: number;
}

/** The lease of the migration `id`, in its folder. */
export interface FileLease extends LeaseKeeper {
  /**
   * Throws when who has claimed it here has it no more.
   *
   * @throws MigrationError ALREADY_RUNNING
   */
  check(): Promise<void>;
  /** Where a file of this name is written until it is whole. Fails in the end when the lease is another's. */
  draft(name: string): string;
}

/** See the top of the file. */
export function fileLease(folder: string, id: string): FileLease {
  const path = join(folder, NAME);
  const drafts = draftsIn(folder);
  /** The disk's time when it was asked for last, and this process's. */
  let clock: { disk: number; at: number } | undefined;
  /** Who may save; undefined: anybody. */
  let claimed: Holder | undefined;

  /** Works with a file that has this text and the disk's time of now. */
  async function withDraft<T>(text: string, work: (draft: string, now: number) => Promise<T>): Promise<T> {
    const draft = `${path}.${randomUUID()}`;
    await makeFolder(dirname(path));
    try {
      await writeFile(draft, text, { flag: "wx", mode: PRIVATE_FILE });
      return await work(draft, (await stat(draft)).mtimeMs);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** The disk's time, for who looks on again and again. */
  async function diskTime(): Promise<number> {
    if (clock === undefined || performance.now() - clock.at > DISK_TIME)
      clock = await withDraft("", async (_, disk) => ({ disk, at: performance.now() }));
    return clock.disk + performance.now() - clock.at;
  }

  /** What is there; undefined: nothing. */
  async function find(now: number, at: string = path): Promise<Found | undefined> {
    try {
      const text = await readFile(at, "utf8");
      const renewedAt = (await stat(at)).mtimeMs;
      return { text, renewedAt, holder: parse(text), age: ageAt(now, renewedAt) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Takes the lease away if it is the one that was found: another's, or one renewed since, is put back. */
  async function takeAway(isFound: (moved: Found) => boolean): Promise<void> {
    const aside = `${path}.${randomUUID()}`;
    await rename(path, aside).catch(ignoreMissing);
    const moved = await find(0, aside);
    if (moved !== undefined && !isFound(moved)) await place(aside, path);
    await rm(aside, { force: true });
  }

  /** A lease that isn't there may be so for a moment only, see {@link takeAway}. */
  async function lookAgain<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    for (let left = ASIDE; ; left -= LOOK) {
      const seen = await look();
      if (seen !== undefined || left <= 0) return seen;
      await sleep(LOOK);
    }
  }

  async function claim(ours: Holder, { ttl, over }: { ttl: number; over?: string }): Promise<Holding> {
    return withDraft(JSON.stringify(ours), async (draft, now) => {
      while (!(await place(draft, path))) {
        const found = await find(now);
        if (found === undefined) continue;
        const { token } = found.holder;
        if (token === ours.token || (token !== over && found.age <= ttl)) return found;
        await takeAway(({ text, renewedAt }) => text === found.text && renewedAt === found.renewedAt);
      }
      return { holder: ours, age: 0 };
    });
  }

  /**
   * What whoever has the lease does first; false: it is another's by now. The folder is made after the lease is had:
   * who has lost it by then finds that before it saves, and who only wants it makes nothing.
   */
  async function begin(ours: Holder): Promise<boolean> {
    await makeFolder(drafts.of(ours));
    const others = await drafts.others(ours);
    // Whoever comes after us isn't among them then.
    const found = await lookAgain(() => find(0));
    if (found?.holder.token !== ours.token) return false;
    for (const each of others) await drafts.discard(each);
    await drafts.removeGone();
    await drafts.removeLeft();
    await removeLeft(found.renewedAt);
    return true;
  }

  /** Removes the lease's files of other names that killed processes have left. */
  async function removeLeft(now: number): Promise<void> {
    for (const name of await namesIn(folder)) {
      if (!name.startsWith(`${NAME}.`)) continue;
      const left = await stat(join(folder, name)).catch(ignoreMissing);
      if (left !== undefined && now - left.mtimeMs > LEFT) {
        await rm(join(folder, name), { force: true }).catch(() => {});
      }
    }
  }

  async function renew(ours: Holder): Promise<Holding | undefined> {
    // Through the file itself, not its name: another one of that name is left alone.
    const handle = await lookAgain(() => open(path, "r+").catch(ignoreMissing));
    if (handle === undefined) return undefined;
    try {
      const text = await handle.readFile("utf8");
      if (parse(text).token === ours.token) await handle.write(text, 0);
    } finally {
      await handle.close();
    }
    return lookAgain(() => find(Date.now()));
  }

  async function release(ours: Holder): Promise<void> {
    await drafts.discard(drafts.of(ours));
    const isOurs = (found: Found): boolean => found.holder.token === ours.token;
    const found = await find(0);
    if (found !== undefined && isOurs(found)) await takeAway(isOurs);
    await drafts.removeGone();
  }

  return {
    claim: (ours, options) =>
      attempt(path, async () => {
        for (;;) {
          const found = await claim(ours, options);
          if (found.holder.token !== ours.token) return found;
          try {
            if (!(await begin(ours))) continue;
          } catch (error) {
            await release(ours).catch(() => {});
            throw error;
          }
          claimed = ours;
          return found;
        }
      }),

    renew: (ours) => attempt(path, () => renew(ours)),

    find: () =>
      attempt(path, async () => {
        const found = await lookAgain(() => find(Date.now()));
        // Of a process of this machine nobody needs the disk's time, which is had by writing to it.
        if (found === undefined || isRunning(found.holder) !== undefined) return found;
        const now = await diskTime().catch((error: NodeJS.ErrnoException) => {
          if (READ_ONLY.has(error.code)) return undefined;
          throw error;
        });
        return now === undefined ? found : lookAgain(() => find(now));
      }),

    release: (ours) => attempt(path, () => release(ours)),

    async check() {
      if (claimed === undefined) return;
      const found = await attempt(path, () => lookAgain(() => find(0)));
      if (found?.holder.token !== claimed?.token) throw leaseLost(id, found?.holder);
    },

    draft: (name) => join(claimed === undefined ? folder : drafts.of(claimed), name),
  };
}

/** Clocks of a host and of its disk differ by a little; what lies further ahead was written under another time. */
function ageAt(now: number, renewedAt: number): number {
  return renewedAt > now && renewedAt - now < AHEAD ? 0 : now - renewedAt;
}

/** Whether a file got a second name; somebody else may have it. */
async function place(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // Some file systems have no links.
      await writeFile(path, await readFile(draft), { flag: "wx", mode: PRIVATE_FILE });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function parse(text: string): Holder {
  try {
    const holder = holderOf(JSON.parse(text));
    if (holder !== undefined) return holder;
  } catch {
    // Said below.
  }
  // Half written on a disk without links, or mended by hand: nobody's, once it is old enough.
  return { token: text, host: "", system: "", pid: 0, since: "" };
}
