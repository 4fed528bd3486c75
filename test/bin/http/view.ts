/** The status ports' routes over counters that a test makes up. */
import type { Hono } from "hono";
import type { Progress } from "../../../core/progress/progress.ts";
import { loadConfig } from "../../../core/config/load.ts";
import { createRedactor } from "../../../core/config/redact.ts";
import { describeRun } from "../../../core/progress/run-status.ts";
import { createMetrics, type Metrics } from "../../../bin/http/metrics/metrics.ts";
import { createReadiness, type Sides } from "../../../bin/http/readiness.ts";
import type { RunView } from "../../../bin/http/run-view.ts";
import { statusRoutes } from "../../../bin/http/status-port.ts";
import { runIdentity } from "../../../core/run/identity.ts";

/** Settings of a run, where a test wants no others. */
export const SETTINGS = {
  id: "shop",
  "source.region": "us-east-2",
  "source.access_key_id": "some-access-key-id",
  "source.secret_access_key": "secret/access-key",
  "target.address": "mongodb://user:passw0rd@127.0.0.1:1/",
};

/** What the ports show, at a moment. */
export function fakeView(progress: Progress, now: number, settings: Record<string, string> = {}): RunView {
  const { config } = loadConfig({ set: { ...SETTINGS, ...settings } });
  const identity = runIdentity(config);
  return {
    config,
    identity,
    progress,
    status: () => describeRun(identity, progress, now),
    warnings: () => [],
  };
}

/** The routes, and what has to be closed. */
export function fakeRoutes(
  progress: Progress,
  now: number,
  sides: () => Sides = () => undefined,
): { routes: Hono; view: RunView; metrics: Metrics } {
  const view = fakeView(progress, now);
  const metrics = createMetrics(view, () => now);
  const readiness = createReadiness({ progress, sides, now: () => now, patience: 50 });
  const redact = createRedactor({ ...view.config });
  const routes = statusRoutes({ view, metrics, readiness, redact, now: () => now });
  return { routes, view, metrics };
}
