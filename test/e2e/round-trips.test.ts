/** How many round trips to a far MongoDB a run waits for at its start and its end: another one is a tenth of a second for some. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Document } from "mongodb";
import { scenario, type Settings, someItems } from "./helpers.ts";
import { type FarCommand, startFarMongo } from "../stand-in/far-mongo.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** Far more than the process needs between an answer and what it asks next, in ms. */
const RTT = 300;

/** A lease's renewal, every few seconds, which nobody waits for. */
const isRenewal = (name: string, { update }: Document): boolean =>
  name === "findAndModify" && Array.isArray(update) && update.length === 1;

/** The commands of a run over one table, until it says that all is copied. */
async function commandsOf(
  settings: Settings,
  isAside?: (name: string, command: Document) => boolean,
): Promise<FarCommand[]> {
  await using s = await scenario();
  await s.table("far", { items: someItems(20) });
  await using far = await startFarMongo(s.mongoUri, RTT, isAside);
  const stop = new AbortController();
  const onFullDone = (): void => stop.abort(new Error("it follows"));
  const follows = settings["sync_mode"] === "all";
  const running = s.migrate(
    { "target.address": far.uri, ...settings },
    follows ? { signal: stop.signal, onFullDone } : {},
  );
  if (follows) await expect(running).rejects.toThrow("it follows");
  else await running;
  return far.commands.filter(({ name }) => name !== "endSessions");
}

/** In words, one round trip a line. */
function textOf(commands: FarCommand[]): string {
  const trips = Map.groupBy(commands, ({ trip }) => trip);
  return [...trips].map(([trip, of]) => `${trip}: ${of.map(({ name }) => name).join(", ")}`).join("\n");
}

test("a copy: some twelve before the first document is sent, the indexes' one of them, some four behind the last", async () => {
  const commands = await commandsOf({}, isRenewal);
  const inserts = commands.filter(({ name }) => name === "insert").map(({ trip }) => trip);
  const last = Math.max(...commands.map(({ trip }) => trip));
  const [before, behind] = [Math.min(...inserts) - 1, last - Math.max(...inserts)];
  // On a machine that does much else one may look like two.
  expect(before, textOf(commands)).toBeLessThanOrEqual(13);
  expect(behind, textOf(commands)).toBeLessThanOrEqual(5);
});

test("a copy whose changes are followed: at most thirty-four before the first document is sent", async () => {
  const commands = await commandsOf({ sync_mode: "all", "incr_sync.http_port": -1 });
  const inserts = commands.filter(({ name }) => name === "insert").map(({ trip }) => trip);
  expect(Math.min(...inserts) - 1, textOf(commands)).toBeLessThanOrEqual(34);
});
