/** What happens to connections, whatever is spoken on them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../../../core/errors.ts";
import type { Random } from "../random.ts";
import type { Mode, TcpProxy } from "../tcp-proxy.ts";
import type { Fault } from "../world.ts";

const SECOND = 1000;

/** A name of the faults, the mode, and for how long, in ms. */
const MODES: [name: string, draw: (random: Random) => [Mode, number]][] = [
  ["slow", (r) => [{ kind: "slow", bytesPerSecond: r.between(5, 200) * 1000 }, r.between(2, 6) * SECOND]],
  ["late", (r) => [{ kind: "delay", ms: r.between(20, 700) }, r.between(2, 6) * SECOND]],
  ["half-open", (r) => [{ kind: "silent" }, r.between(2, 12) * SECOND]],
  ["loses answers", (r) => [{ kind: "lose" }, r.between(200, 2500)]],
  ["refused", (r) => [{ kind: "refuse" }, r.between(1, 8) * SECOND]],
];

/**
 * Faults of the way to one side.
 *
 * @param side as the table has it: `target`
 * @param codes with which the tool may end when it starts while the side is away
 */
export function networkFaults(side: string, proxy: TcpProxy, codes: readonly ErrorCode[]): Fault[] {
  let active = 0;
  const lasting = MODES.map(([name, drawMode]): Fault => ({
    name: `${side} ${name}`,
    codes,
    draw(random) {
      const [mode, ms] = drawMode(random);
      const ending = random.pick(["cut", "as it is"] as const);
      return {
        what: `${side}: ${JSON.stringify(mode)} for ${ms} ms, then ${ending}`,
        async happen({ signal }) {
          const mine = ++active;
          await proxy.set(mode);
          await sleep(ms, undefined, { signal }).catch(() => {});
          // a later fault of the same way has taken its place
          if (mine !== active) return;
          if (ending === "cut") proxy.cut();
          await proxy.set({ kind: "pass" });
        },
      };
    },
  }));
  const cut: Fault = {
    name: `${side} cut`,
    codes,
    draw(random) {
      const times = random.between(1, 8);
      const between = random.between(20, 800);
      return {
        what: `${side}: all connections cut, ${times} times, ${between} ms between`,
        async happen({ signal }) {
          for (let i = 0; i < times; i++) {
            proxy.cut();
            await sleep(between, undefined, { signal });
          }
        },
      };
    },
  };
  return [...lasting, cut];
}
