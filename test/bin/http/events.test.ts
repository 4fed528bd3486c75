/** `/events`: what those who look on are sent, and that they cost the run nothing. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { addEvents, type Events, type EventsOptions } from "../../../bin/http/events.ts";
import type { LivePoint, LiveStatus } from "../../../bin/http/live.ts";
import { createRoutes, type HttpPort, openHttpPort } from "../../../bin/http/port.ts";
import { eventually } from "../../e2e/eventually.ts";
import { type FakeRun, type FakeView, fakeView } from "../../fakes/run-view.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

const SECOND = 1000;
const START = Date.parse("2026-11-23T21:00:00Z");
const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

interface Served {
  view: FakeView;
  events: Events;
  port: HttpPort;
  get(signal?: AbortSignal): Promise<Response>;
}

/** Its second takes ten milliseconds. */
async function serve(run: Partial<FakeRun> = {}, more: EventsOptions = {}): Promise<Served> {
  const view = fakeView({ phase: "incr", tables: 2, now: START, ...run });
  const app = createRoutes();
  const timer = setInterval(() => view.advance(SECOND), 10);
  const events = addEvents(app, view, { now: () => view.now, every: 10, ...more });
  const port = (await openHttpPort(app, {
    name: "test",
    key: "test",
    host: "127.0.0.1",
    port: 0,
    log: { warn() {} },
  }))!;
  open.push(
    () => clearInterval(timer),
    () => port.close(),
    () => events.close(),
  );
  return { view, events, port, get: (signal) => fetch(`http://127.0.0.1:${port.port}/events`, { signal }) };
}

interface Event {
  name: string;
  data: unknown;
}

async function* read({ body }: Response): AsyncGenerator<Event> {
  let text = "";
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop()!;
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
      if (name !== undefined) yield { name, data: JSON.parse(data!) };
    }
  }
}

async function take(events: AsyncGenerator<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  while (taken.length < count) taken.push((await events.next()).value as Event);
  return taken;
}

test("the past, the warnings and the status come at once, then a status a second", async () => {
  const { view, get } = await serve();
  view.lines.push({ time: "2026-11-23T21:00:00.000Z", level: "warn", message: "the source throttles" });
  const first = await get();
  expect(first.headers.get("content-type")).toBe("text/event-stream");
  expect(first.headers.get("cache-control")).toBe("no-store");
  expect(first.headers.get("access-control-allow-origin")).toBeNull();
  const events = read(first);
  const told = await take(events, 6);
  expect(told.map(({ name }) => name)).toEqual([
    "history",
    "warnings",
    "status",
    "status",
    "status",
    "status",
  ]);
  expect(told[1]!.data).toEqual(view.lines);
  const statuses = told.slice(2).map(({ data }) => data as LiveStatus);
  expect(statuses[0]!.status).toMatchObject({ id: "shop-migration", phase: "incr" });
  expect(statuses[0]!.share).toBe(1);
  const seen = statuses.flatMap(({ points }) => points);
  expect(seen.length).toBeGreaterThanOrEqual(3);
  expect(seen.at(-1)!.changes).toBeGreaterThan(0);

  const reload = read(await get());
  const [{ data: past } = { data: [] }] = await take(reload, 1);
  expect((past as LivePoint[]).map(({ at }) => at)).toEqual(
    expect.arrayContaining(seen.slice(0, 2).map(({ at }) => at)),
  );
});

test("warnings come again when there is a new one", async () => {
  const { view, get } = await serve();
  const events = read(await get());
  await take(events, 5);
  view.lines.push({ time: "2026-11-23T21:00:00.000Z", level: "error", message: "<img onerror=alert(1)>" });
  let [next] = await take(events, 1);
  while (next!.name !== "warnings") [next] = await take(events, 1);
  expect(next!.data).toEqual(view.lines);
  const names = (await take(events, 4)).map(({ name }) => name);
  expect(names).toEqual(["status", "status", "status", "status"]);
});

test("the end of the run is the last event, then there are none", async () => {
  const { view, events, get } = await serve();
  const told = read(await get());
  await take(told, 3);
  view.progress.phase = "done";
  await events.close();
  await events.close();
  const rest = await Array.fromAsync(told);
  expect(rest.at(-1)!.name).toBe("end");
  expect((rest.at(-1)!.data as LiveStatus).status.phase).toBe("done");
  const late = await get();
  expect(late.status).toBe(503);
  expect(await late.json()).toEqual({ error: "the run is over" });
});

test("one who never reads is cut off, and is kept no more than an event or two", async () => {
  const { port, events } = await serve({ tables: 200 });
  const socket = await request(port);
  let bytes = 0;
  // Nothing is read, while a hundred times more is told than a socket takes.
  socket.pause();
  const reader = read(await fetch(`http://127.0.0.1:${port.port}/events`));
  let size = 0;
  for (let event = 0; event < 60; event++) size += JSON.stringify((await reader.next()).value).length;
  socket.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
  await once(socket, "close");
  expect(size).toBeGreaterThan(10_000_000);
  expect(bytes).toBeLessThan(size / 2);
  await events.close();
});

test("one who goes makes room; who comes when there is none is told so", async () => {
  const { get } = await serve();
  const gone = new AbortController();
  const all = await Promise.all(Array.from({ length: 20 }, () => get(gone.signal)));
  expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  const refused = await get();
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("10");
  gone.abort();
  await eventually(async () => {
    const again = new AbortController();
    const { status } = await get(again.signal);
    again.abort();
    expect(status).toBe(200);
  });
});

test("a status that can't be told ends no run: its readers are sent away", async () => {
  const { view, events, get } = await serve();
  const told = read(await get());
  await take(told, 3);
  const { status } = view;
  view.status = () => {
    throw new Error("no status");
  };
  await expect(Array.fromAsync(told)).rejects.toThrow();
  for (let time = 0; time < 30; time++) expect((await get()).status).toBe(500);
  view.status = status;
  const again = read(await get());
  await take(again, 3);
  view.status = () => {
    throw new Error("no status");
  };
  await events.close();
  await expect(Array.fromAsync(again)).rejects.toThrow();
});

test("it keeps no process alive", async () => {
  const script = `
    import { addEvents } from "./bin/http/events.ts";
    import { createRoutes } from "./bin/http/port.ts";
    import { fakeView } from "./test/fakes/run-view.ts";
    addEvents(createRoutes(), fakeView({ phase: "full", tables: 1 }));`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: `${import.meta.dirname}/../../..` });
  expect(await child.exited).toBe(0);
});

async function request(port: HttpPort): Promise<Socket> {
  const socket = connect(port.port, "127.0.0.1");
  open.push(() => void socket.destroy());
  await once(socket, "connect");
  socket.write("GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
  return socket;
}
