/** The status ports, `full_sync.http_port` and `incr_sync.http_port`: the same paths on both. */
import type { Hono } from "hono";
import type { Config } from "../../core/config/config.ts";
import { describeConfig, withStrings } from "../../core/config/redact.ts";
import { presentFailure } from "../../core/progress/eta.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { metricReport } from "./metric.ts";
import { createRoutes, type HttpPort, type HttpPortOptions, openHttpPort } from "./port.ts";
import { progressReport } from "./progress.ts";
import type { Readiness } from "./readiness.ts";
import type { RunView } from "./run-view.ts";

/** What the ports show beside the run. */
export interface StatusSources {
  view: RunView;
  metrics: Metrics;
  readiness: () => Promise<Readiness>;
  /** Hides secrets. */
  redact: (text: string) => string;
  now?: () => number;
}

/** What is answered for programs, each path; anything else is 404. */
export function statusRoutes({ view, metrics, readiness, redact, now = Date.now }: StatusSources): Hono {
  const { config, progress } = view;
  return createRoutes()
    .get("/metrics", async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.contentType }))
    .get("/healthz", (c) => c.json({ alive: true }))
    .get("/readyz", async (c) => {
      const answer = await readiness();
      return c.json(withStrings(answer, redact), answer.ready ? 200 : 503);
    })
    .get("/progress", (c) => c.json(progressReport(progress, now())))
    .get("/metric", (c) => {
      const time = now();
      return c.json(metricReport(progress, time, redact(presentFailure(progress, time) ?? "")));
    })
    .get("/conf", (c) => c.json(withStrings(describeConfig(config), redact)));
}

/** A port that is wanted, and the setting it comes from. */
type Wanted = Pick<HttpPortOptions, "name" | "key" | "port" | "given">;

/** What {@link openStatusPorts} takes. */
export interface StatusPortsOptions extends Pick<HttpPortOptions, "host" | "log" | "limits"> {
  config: Config;
  /** The keys that the user has set. */
  given: ReadonlySet<string>;
}

/**
 * Opens the ports that the configuration wants; one where both have the same number. They keep no process alive.
 *
 * @returns those that are open
 * @throws MigrationError CONFIG_INVALID: one that the user has set can't be opened; none is open then
 */
export async function openStatusPorts(
  routes: Pick<Hono, "fetch">,
  { config, given, host, ...options }: StatusPortsOptions,
): Promise<HttpPort[]> {
  const open: HttpPort[] = [];
  try {
    for (const wanted of wantedPorts(config, given)) {
      const port = await openHttpPort(routes, { ...options, ...wanted, host });
      if (port !== undefined) open.push(port);
    }
  } catch (error) {
    await Promise.all(open.map((port) => port.close()));
    throw error;
  }
  return open;
}

function wantedPorts(config: Config, given: ReadonlySet<string>): Wanted[] {
  const want = (key: "full_sync.http_port" | "incr_sync.http_port", name: string): Wanted => ({
    key,
    name,
    port: config[key],
    given: given.has(key),
  });
  const full = want("full_sync.http_port", "status");
  if (config.sync_mode === "full") return [full];
  const incr = want("incr_sync.http_port", "metric");
  if (incr.port !== full.port || full.port <= 0) return [full, incr];
  return [full.given ? full : incr];
}
