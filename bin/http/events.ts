/** `/events`: a run as it goes on, by server-sent events; what they hold stands in live.ts. */
import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { totalWork } from "../../core/progress/eta.ts";
import { createEventClient, type EventClient } from "./event-client.ts";
import { createHistory } from "./history.ts";
import type { LiveEvents, LivePoint, LiveStatus } from "./live.ts";
import type { RunView } from "./run-view.ts";
import { createSampler } from "./samples.ts";

const SECOND = 1000;
/** So many read at once; more are told to come later. */
const MOST_CLIENTS = 20;
/** Who has had no room for so long is cut off. */
const STUCK = 30 * SECOND;
/** A longer event is sent less often, so that it comes to so many bytes a second at most. */
const BYTES_PER_SECOND = 1_000_000;
/** How long the last event may take. */
const GOODBYE = SECOND;
/** A lost connection is tried again after so long, in ms. */
const RETRY = 2000;

/** What tests set. */
export interface EventsOptions {
  now?: () => number;
  /** Between two events, in ms. */
  every?: number;
}

/** The events of a run. */
export interface Events {
  /** Sends the last event and ends all answers; resolves when they are read, after a second at most. Never rejects. */
  close(): Promise<void>;
}

/** Adds `GET /events`; remembers the run's past from now on. Keeps no process alive. */
export function addEvents(
  app: Hono,
  view: RunView,
  { now = Date.now, every = SECOND }: EventsOptions = {},
): Events {
  const sample = createSampler(view.progress, now());
  const history = createHistory();
  const clients = new Set<EventClient>();
  const knows = new WeakMap<EventClient, unknown>();
  let fresh: LivePoint[] = [];
  let notBefore = 0;
  let isOver = false;
  const timer = setInterval(() => {
    try {
      tick();
    } catch {
      cutAll();
    }
  }, every);
  timer.unref();

  app.get("/events", (c) => {
    if (isOver || clients.size >= MOST_CLIENTS) {
      const error = isOver ? "the run is over" : `${MOST_CLIENTS} read already`;
      return c.json({ error }, 503, { "retry-after": "10" });
    }
    const first = [
      `retry: ${RETRY}\n\n`,
      text("history", [...history.points()]),
      text("warnings", view.warnings()),
      text("status", snapshot([])),
    ];
    const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
    const client = createEventClient(outgoing, (gone) => clients.delete(gone));
    clients.add(client);
    knows.set(client, newest());
    client.send(encoder.encode(first.join("")));
    return c.body(client.body, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no",
    });
  });

  return { close };

  /** Whoever looks on must not end the run: when it can't be told how it stands, he is sent away, and comes again. */
  function cutAll(): void {
    for (const client of clients) client.cut();
  }

  function tick(): void {
    const at = now();
    const point = sample(at);
    history.add(point);
    if (clients.size === 0) {
      fresh = [];
      return;
    }
    fresh.push(point);
    if (at < notBefore) return;
    const size = broadcast(text("status", snapshot(fresh)), at);
    // The timer is early now and then.
    notBefore = at + (size / BYTES_PER_SECOND) * SECOND - every / 10;
    fresh = [];
  }

  /** Gives the bytes of what was sent to each. */
  function broadcast(event: string, at: number): number {
    const status = encoder.encode(event);
    const last = newest();
    let warnings: Uint8Array | undefined;
    for (const client of clients) {
      if (!client.ready) {
        client.stuckSince ??= at;
        if (at - client.stuckSince >= STUCK) client.cut();
        continue;
      }
      client.stuckSince = undefined;
      if (knows.get(client) !== last) {
        warnings ??= encoder.encode(text("warnings", view.warnings()));
        client.send(warnings);
        knows.set(client, last);
      }
      client.send(status);
    }
    return status.length;
  }

  function snapshot(points: LivePoint[]): LiveStatus {
    const { share } = totalWork([...view.progress.tables.values()]);
    return { status: view.status(), share: share ?? null, points };
  }

  /** The newest warning: another one is another object. */
  function newest(): unknown {
    return view.warnings().at(-1);
  }

  async function close(): Promise<void> {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    try {
      if (clients.size > 0) await sayGoodbye(text("end", snapshot([...fresh, sample(now())])));
    } catch {
      cutAll();
    }
  }

  async function sayGoodbye(event: string): Promise<void> {
    const last = encoder.encode(event);
    const left = [...clients];
    const ends = left.map((client) => {
      client.send(last);
      return client.end();
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GOODBYE);
    await Promise.race([Promise.all(ends), late]);
    clearTimeout(timer);
    for (const client of left) client.cut();
  }
}

const encoder = new TextEncoder();

function text<Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
