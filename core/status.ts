/** The status port: a run's progress over HTTP, as NimoShake gives it, and more. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Progress, TableProgress } from "./progress.ts";

const SECOND = 1000;
const HANDLERS = [{ Uri: "/progress", Method: "GET" }];

/** What {@link serveProgress} takes. */
export interface StatusOptions {
  host: string;
  /** 0: any free one; -1: none. */
  port: number;
  log: { warn(message: string): void };
  now?: () => number;
}

/** A status port that is open. */
export interface StatusServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves the progress at `GET /progress` and the list of handlers anywhere else.
 * Gives undefined when the port is off, or can't be bound, which is a warning; keeps no process alive.
 */
export async function serveProgress(
  progress: Progress,
  options: StatusOptions,
): Promise<StatusServer | undefined> {
  const { host, port, log, now = Date.now } = options;
  if (port === -1) return undefined;
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.method !== "GET") {
      response.writeHead(405, { allow: "GET" }).end(JSON.stringify({ error: "only GET" }));
      return;
    }
    const path = (request.url ?? "/").split("?", 1)[0];
    response.end(JSON.stringify(path === "/progress" ? report(progress, now()) : HANDLERS));
  });
  try {
    await listen(server, host, port);
  } catch (error) {
    log.warn(`the status port ${host}:${port} can't be opened, going on without it: ${reason(error)}`);
    return undefined;
  }
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => shut(server) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A second close answers with an error that says it is closed already.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** NimoShake's fields under its names first; times are ISO 8601, durations seconds. */
function report(progress: Progress, now: number): object {
  const tables = [...progress.tables.values()];
  const finished = tables.filter(({ state }) => state === "done").length;
  const waiting = tables.filter(({ state }) => state === "waiting").length;
  return {
    progress: tables.length === 0 ? "-%" : `${((finished / tables.length) * 100).toFixed(2)}%`,
    total_collection_number: tables.length,
    finished_collection_number: finished,
    processing_collection_number: tables.length - finished - waiting,
    wait_collection_number: waiting,
    collection_metric: Object.fromEntries(tables.map((table) => [table.name, metric(table)])),
    started_at: new Date(progress.startedAt).toISOString(),
    tables: Object.fromEntries(tables.map((table) => [table.name, describe(table, now)])),
  };
}

/** `-` while waiting, else `12.34% (n/m)`; only a table that is done has 100 %, for m is an estimate. */
function metric(table: TableProgress): string {
  if (table.state === "waiting") return "-";
  const items = table.written + table.filtered;
  const counts = `(${items}/${table.itemCount})`;
  if (table.state === "done") return `100% ${counts}`;
  const percent = table.itemCount > 0 ? Math.min(99.99, (items / table.itemCount) * 100) : 0;
  return `${percent.toFixed(2)}% ${counts}`;
}

function describe(table: TableProgress, now: number): object {
  const seconds = table.startedAt === undefined ? 0 : ((table.finishedAt ?? now) - table.startedAt) / SECOND;
  const items = table.written + table.filtered;
  const left = table.itemCount - items;
  const known = table.state === "copying" && items > 0 && seconds > 0 && left >= 0;
  return {
    state: table.state,
    item_count: table.itemCount,
    size_bytes: table.sizeBytes,
    read: table.read,
    filtered: table.filtered,
    written: table.written,
    bytes: table.bytes,
    overflowed: table.overflowed,
    indexes: table.indexes,
    started_at: isoTime(table.startedAt),
    finished_at: isoTime(table.finishedAt),
    items_per_second: seconds > 0 ? Math.round((table.written / seconds) * 10) / 10 : null,
    eta_seconds: known ? Math.round(left / (items / seconds)) : null,
  };
}

function isoTime(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
