/** The lease as a file: who takes it over, and what becomes of what others were writing. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { thisProcess } from "../../../../core/host/process.ts";
import type { Holder } from "../../../../core/plugin/roles.ts";
import { type FileLease, fileLease } from "../../../../plugins/checkpoint/file/lease.ts";
import { expectFailure } from "../open.ts";

setDefaultTimeout(180_000);

const DRAFTING_CHILD = resolve(import.meta.dir, "drafting-child.ts");
const TTL = 60_000;
const ROUNDS = 100;
const NOBODY = 65_534;

const holder = (token: string): Holder => ({ ...thisProcess(), token, since: new Date(0).toISOString() });

/** A migration's folder, and its lease as processes of these names have it. */
function openLeases<Name extends string>(...names: Name[]) {
  const folder = mkdtempSync(join(tmpdir(), "nimo-shake-lease-"));
  const processes = Object.fromEntries(
    names.map((name) => {
      const lease = fileLease(folder, "app");
      const ours = holder(name);
      return [name, { lease, ours, claim: (over?: Name) => claim(lease, ours, over) }];
    }),
  ) as Record<Name, { lease: FileLease; ours: Holder; claim: (over?: Name) => Promise<string> }>;
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  return { folder, path: join(folder, "lease"), ...processes, [Symbol.dispose]: remove };
}

/** Who has the lease then. */
async function claim(lease: FileLease, ours: Holder, over?: string): Promise<string> {
  return (await lease.claim(ours, { ttl: TTL, ...(over !== undefined && { over }) })).holder.token;
}

/** The folder that a process writes into first. */
const draftsOf = ({ lease }: { lease: FileLease }): string => dirname(lease.draft("x"));

describe("a lease that somebody takes aside for a moment", () => {
  test.each<[string, (lease: FileLease, ours: Holder) => Promise<unknown>]>([
    ["is there for who saves", (lease) => lease.check()],
    ["is there for who renews it", async (lease, ours) => expect(await lease.renew(ours)).toBeDefined()],
  ])("%s", async (_, use) => {
    using place = openLeases("one");
    await place.one.claim();
    renameSync(place.path, `${place.path}.aside`);
    const using = use(place.one.lease, place.one.ours);
    // Time enough to find that it is away.
    await Promise.race([using.catch(() => {}), Bun.sleep(50)]);
    renameSync(`${place.path}.aside`, place.path);
    await using;
  });

  test("and doesn't put back is lost", async () => {
    using place = openLeases("one");
    await place.one.claim();
    rmSync(place.path);
    await expectFailure(place.one.lease.check(), "ALREADY_RUNNING");
    expect(await place.one.lease.renew(place.one.ours)).toBeUndefined();
  });
});

test("of two that take over a dead one's lease while it gives it back one has it, and keeps it", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    using place = openLeases("dead", "one", "two");
    const { dead, one, two } = place;
    await dead.claim();
    for (let i = 0; i < 20; i++) writeFileSync(join(draftsOf(dead), `${i}.new`), "");
    const wins = async (process: typeof one): Promise<boolean> => {
      if ((await process.claim("dead")) !== process.ours.token) return false;
      for (let i = 0; i < 5; i++) await process.lease.check();
      writeFileSync(process.lease.draft("x"), "");
      return true;
    };
    const ends = await Promise.all([wins(one), wins(two), dead.lease.release(dead.ours)]);
    expect(ends.filter((end) => end === true)).toHaveLength(1);
  }
});

describe("who has the lease", () => {
  test("takes away what all others were writing, whoever took their leases away", async () => {
    using place = openLeases("one", "two");
    const { one, two } = place;
    await one.claim();
    writeFileSync(one.lease.draft("x"), "");
    rmSync(place.path);
    expect(await two.claim()).toBe("two");
    expect(existsSync(one.lease.draft("x"))).toBe(false);
    writeFileSync(two.lease.draft("x"), "");
    expect(readdirSync(place.folder)).toHaveLength(2);
  });

  test("gets it however much the one before it is writing", async () => {
    using place = openLeases("one", "two");
    const { one, two } = place;
    await one.claim();
    const child = Bun.spawn([process.execPath, DRAFTING_CHILD, draftsOf(one)], {
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      while (!existsSync(one.lease.draft("1000.new")) && child.exitCode === null) await Bun.sleep(1);
      expect(await two.claim("one")).toBe("two");
      expect(await new Response(child.stdout).text()).toBe("ENOENT");
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });

  test.skipIf(process.platform === "win32")(
    "gets it though what the one before it was writing can't be removed, as on a disk that keeps open files",
    async () => {
      using _ = withoutRoot();
      using place = openLeases("one", "two", "three");
      const { one, two, three } = place;
      await one.claim();
      const kept = one.lease.draft("kept");
      mkdirSync(kept);
      writeFileSync(join(kept, "x"), "");
      chmodSync(kept, 0o500);
      expect(await two.claim("one")).toBe("two");
      expect(existsSync(draftsOf(one))).toBe(false);
      const gone = readdirSync(place.folder).find((name) => name.startsWith("gone."));
      chmodSync(join(place.folder, gone!, "kept"), 0o700);
      expect(await three.claim("two")).toBe("three");
      expect(readdirSync(place.folder)).toHaveLength(2);
    },
  );
});

/** Who is root may remove anything: for a while it is nobody. */
function withoutRoot(): Disposable {
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  return { [Symbol.dispose]: () => void (isRoot && process.seteuid!(0)) };
}

test("what killed processes have left goes with the next who has the lease", async () => {
  using place = openLeases("one", "two");
  const at = (name: string): string => join(place.folder, name);
  mkdirSync(at("drafts.killed"));
  mkdirSync(at("gone.killed"));
  for (const name of ["drafts.killed/t.new", "t.jsonl.new", "t.jsonl", "lease.killed", "lease.waiting"])
    writeFileSync(at(name), "");
  const hoursAgo = Date.now() / 1000 - 7200;
  utimesSync(at("lease.killed"), hoursAgo, hoursAgo);
  expect(await place.one.claim()).toBe("one");
  await place.one.lease.release(place.one.ours);
  expect(readdirSync(place.folder).sort()).toEqual(["lease.waiting", "t.jsonl"]);
});

test("who only waits for the lease makes no folder", async () => {
  using place = openLeases("one", "two");
  const { one, two } = place;
  // Where the second one's would be.
  await two.claim();
  const drafts = draftsOf(two);
  await two.lease.release(two.ours);
  await one.claim();
  writeFileSync(drafts, "");
  expect(await two.claim()).toBe("one");
});

test("who looks at another host's lease again and again writes once to know its age", async () => {
  using place = openLeases("one");
  const { lease } = place.one;
  writeFileSync(place.path, JSON.stringify({ ...holder("far"), host: "far", system: "far" }));
  const renewed = (secondsAgo: number): void => {
    const at = Date.now() / 1000 - secondsAgo;
    utimesSync(place.path, at, at);
  };
  const age = async (): Promise<number> => Math.round((await lease.find!())!.age / 1000);
  renewed(20);
  expect(await age()).toBe(20);
  const old = new Date(1_000_000);
  utimesSync(place.folder, old, old);
  renewed(25);
  expect(await age()).toBe(25);
  renewed(0);
  expect(await age()).toBe(0);
  expect(statSync(place.folder).mtime).toEqual(old);
  expect(readdirSync(place.folder)).toEqual(["lease"]);
});
