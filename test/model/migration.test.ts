/** A whole migration in memory, killed between any two of its steps, with writers, splits, gaps and other modes between. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { fakeFiles } from "./files.ts";
import { expectEqual, type Life, live, livesOf, type World } from "./migration.ts";
import { leaveNimoShake } from "./nimoshake.ts";
import { runs } from "./runs.ts";
import { fakeTime } from "./time.ts";

setDefaultTimeout(3_600_000);

let world: World;
beforeAll(async () => void (world = { time: await fakeTime(), files: await fakeFiles() }));
afterAll(async () => {
  await world.time.restore();
  await world.files.restore();
});

/** @param known lives that once went wrong */
const always = (
  lives: fc.Arbitrary<Life>,
  holds: (life: Life) => Promise<void>,
  usual: number,
  known: readonly Life[] = [],
): Promise<void> =>
  fc.assert(fc.asyncProperty(lives, holds), {
    ...runs(usual),
    examples: known.map((life): [Life] => [life]),
  });

/** A finished copy whose stream is made anew before it is followed: refused for ever, and gone on with in each way. */
const finishedThenRenewed = [0, 1].map((seed): Life => ({
  seed,
  keys: [1, 2],
  slowest: 1,
  spools: false,
  happenings: [
    { after: 0, what: { kind: "mode", mode: "full" } },
    { after: 0, what: { kind: "kill", power: false } },
    { after: 2, what: { kind: "renew" } },
  ],
}));

/** The time that the machine slept, in hours. */
const slept = ({ happenings }: Life): number =>
  happenings.reduce((sum, { what }) => sum + (what.kind === "sleep" ? what.hours : 0), 0);
const isRenewed = ({ happenings }: Life): boolean => happenings.some(({ what }) => what.kind === "renew");

test("both sides are equal after the switch-over, however often it was killed", () =>
  always(livesOf({}), async (life) => expectEqual((await live(life, world)).outside), 30));

test("sync_mode = all, full and incr in turn: what can't follow another one is refused, and nothing is lost", () =>
  always(
    livesOf({ modes: true }),
    async (life) => {
      const { outside } = await live(life, world, { allowed: ["CHECKPOINT_MISMATCH", "TARGET_EXISTS"] });
      expectEqual(outside);
    },
    30,
  ));

test("on_gap = resync: equal after days of sleep and streams made anew, too", () =>
  always(
    livesOf({ gaps: true, modes: true }),
    async (life) => {
      const allowed = ["CHECKPOINT_MISMATCH", "TARGET_EXISTS", "STREAM_GAP"];
      const { outside, failures } = await live(life, world, { settings: { on_gap: "resync" }, allowed });
      expectEqual(outside);
      expect(failures.filter((code) => code === "STREAM_GAP").length).toBeLessThanOrEqual(
        life.happenings.length,
      );
    },
    30,
    finishedThenRenewed,
  ));

test("on_gap = fail: the run ends by a gap where there is one, or both sides are equal", () =>
  always(
    livesOf({ gaps: true }),
    async (life) => {
      const gap = ["STREAM_GAP"];
      const { outside, failures } = await live(life, world, { allowed: gap, ends: gap });
      if (failures.length === 0) expectEqual(outside);
      else expect(isRenewed(life) || slept(life) >= 23).toBe(true);
    },
    30,
  ));

test("a migration of NimoShake's is taken over whole: no item is read again, wherever the takeover is cut off", () =>
  always(
    livesOf({}),
    async (life) => {
      const { outside } = await live(life, world, { before: leaveNimoShake });
      expectEqual(outside);
      expect(outside.scans).toBe(0);
    },
    30,
  ));
