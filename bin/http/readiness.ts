/** `/readyz`: whether both sides, and the checkpoint, answer now. */
import { presentTrouble } from "../../core/progress/eta.ts";
import type { Progress, Side } from "../../core/progress/progress.ts";

const SECOND = 1000;
/** A side is asked once within this, however often somebody wants to know. */
const FRESH = 3 * SECOND;
/** So long is an answer waited for. */
const PATIENCE = 2 * SECOND;

/** What may be asked of a side, see `Source.ping`. */
export type Pingable = { ping?(signal: AbortSignal): Promise<void> };

/** Who fills the roles; undefined: the run hasn't begun, or ends. */
export type Sides = Record<Side, Pingable> | undefined;

/** One side; `reason`: why it isn't ready. Secrets may be in it. */
export interface SideReadiness {
  ready: boolean;
  reason?: string;
}

/** The answer, with a line a side once there is a run. */
export interface Readiness extends SideReadiness, Partial<Record<Side, SideReadiness>> {}

/** What {@link createReadiness} takes. */
export interface ReadinessOptions {
  progress: Progress;
  sides: () => Sides;
  now?: () => number;
  /** For tests: another time to wait for an answer, in ms. */
  patience?: number;
}

/** A side that was asked. */
interface Asked {
  by: Pingable;
  at: number;
  answer: Promise<SideReadiness>;
  /** Whether the call itself has ended, after its time perhaps. */
  over: boolean;
}

/** Makes what looks whether the sides answer; asking it often costs them nothing. */
export function createReadiness({
  progress,
  sides,
  now = Date.now,
  patience = PATIENCE,
}: ReadinessOptions): () => Promise<Readiness> {
  const asked = new Map<Side, Asked>();
  const silent: SideReadiness = { ready: false, reason: `no answer within ${patience / SECOND} s` };

  async function look(side: Side, by: Pingable): Promise<SideReadiness> {
    if (by.ping === undefined) return byTrouble(side, progress, now());
    const last = asked.get(side);
    if (last?.by === by) {
      if (now() - last.at < FRESH) return last.answer;
      // One that hangs whatever its signal says isn't joined by others.
      if (!last.over) return silent;
    }
    const next: Asked = { by, at: now(), answer: Promise.resolve(silent), over: false };
    asked.set(side, next);
    next.answer = ask(next);
    return next.answer;
  }

  async function ask(call: Asked): Promise<SideReadiness> {
    const late = AbortSignal.timeout(patience);
    const waited = new Promise<SideReadiness>((resolve) => {
      late.addEventListener("abort", () => resolve(silent), { once: true });
    });
    const answered = async (): Promise<SideReadiness> => {
      try {
        await call.by.ping!(late);
        return { ready: true };
      } catch (error) {
        if (late.aborted) return silent;
        return { ready: false, reason: error instanceof Error ? error.message : String(error) };
      } finally {
        call.over = true;
      }
    };
    return Promise.race([answered(), waited]);
  }

  return async () => {
    const found = sides();
    if (progress.phase === "starting") return { ready: false, reason: "starting" };
    if (found === undefined || progress.phase === "done")
      return { ready: false, reason: "the run has ended, or is about to" };
    const [source, target, checkpoint] = await Promise.all([
      look("source", found.source),
      look("target", found.target),
      look("checkpoint", found.checkpoint),
    ]);
    const away = Object.entries({ source, target, checkpoint }).filter(([, { ready }]) => !ready);
    const ready = away.length === 0;
    const reason = away.map(([side]) => `the ${side} is away`).join(", ");
    return { ready, ...(!ready && { reason }), source, target, checkpoint };
  };
}

/** Of a side that can't be asked: whether calls to it fail now. */
function byTrouble(side: Side, progress: Progress, now: number): SideReadiness {
  for (const table of progress.tables.values()) {
    const trouble = presentTrouble(table, now);
    if (trouble?.what !== `${side} away`) continue;
    const { lastRetry } = progress;
    return {
      ready: false,
      reason: lastRetry?.side === side ? lastRetry.message : `calls fail: table ${table.name}`,
    };
  }
  return { ready: true };
}
