/** All ports of a run: those for its status, and the one for profiles. */
import type { ConsolaInstance } from "consola";
import type { Context } from "../../core/plugin/context.ts";
import { addEvents } from "./events.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { addPage } from "./page.ts";
import type { HttpPort } from "./port.ts";
import { serveProfile } from "./profile.ts";
import { createReadiness, type Sides } from "./readiness.ts";
import type { RunView } from "./run-view.ts";
import { openStatusPorts, statusRoutes } from "./status-port.ts";

/** What {@link openPorts} takes. */
export interface PortsOptions {
  view: RunView;
  /** The keys that the user has set; undefined: none. */
  given?: ReadonlySet<string> | undefined;
  /** Hides secrets. */
  redact: (text: string) => string;
  log: ConsolaInstance;
}

/** Ports that are open. */
export interface Ports {
  /** To be told when the run's roles are there, see `MigrateOptions`. */
  onRoles(ctx: Context): void;
  close(): Promise<void>;
}

/**
 * Opens what the configuration wants. It answers before the run has begun and after its end, until it is closed.
 *
 * @throws MigrationError CONFIG_INVALID: a port that the user has set can't be opened; none is open then
 */
export async function openPorts({ view, given = new Set(), redact, log }: PortsOptions): Promise<Ports> {
  await using opening = new AsyncDisposableStack();
  const { config, progress } = view;
  const host = config["http.host"];
  let run: Context | undefined;
  const sides = (): Sides =>
    run === undefined || run.signal.aborted
      ? undefined
      : { source: run.role("source"), target: run.role("target"), checkpoint: run.role("checkpoint") };
  const metrics = opening.adopt(createMetrics(view), ({ close }) => close());
  const readiness = createReadiness({ progress, sides });
  const routes = statusRoutes({ view, metrics, readiness, redact });
  addPage(routes);
  const events = addEvents(routes, view);
  const status = await openStatusPorts(routes, { config, given, host, log });
  for (const port of status) opening.defer(() => port.close());
  const [first] = status;
  if (first !== undefined) log.info(`status page: ${addressOf(first)}`);
  const profile = await serveProfile({
    host,
    port: config.system_profile,
    given: given.has("system_profile"),
    log,
  });
  opening.defer(() => profile?.close());
  // Before the ports: who reads is told of the end.
  opening.defer(() => events.close());
  const open = opening.move();
  return {
    onRoles: (ctx) => void (run = ctx),
    close: () => open.disposeAsync(),
  };
}

/** As a browser on this machine takes it. */
function addressOf({ address, port }: HttpPort): string {
  const host = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
