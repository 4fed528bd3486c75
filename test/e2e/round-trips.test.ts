/** How many round trips to a far MongoDB a run waits for at its start and its end: another one is a tenth of a second for some. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { scenario, type Settings, someItems } from "./helpers.ts";
import { type FarCommand, startFarMongo } from "../stand-in/far-mongo.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

/** Far more than the process needs between an answer and what it asks next, in ms. */
const RTT = 300;

/** The commands of a run over one table, until its end. */
async function commandsOf(settings: Settings): Promise<FarCommand[]> {
  await using s = await scenario();
  await s.table("far", { items: someItems(20) });
  await using far = await startFarMongo(s.mongoUri, RTT);
  await s.migrate({ "target.address": far.uri, ...settings });
  return far.commands.filter(({ name }) => name !== "endSessions");
}

/** In words, one round trip a line. */
function textOf(commands: FarCommand[]): string {
  const trips = Map.groupBy(commands, ({ trip }) => trip);
  return [...trips].map(([trip, of]) => `${trip}: ${of.map(({ name }) => name).join(", ")}`).join("\n");
}

test("a copy: eight before the first document is sent, four behind the last", async () => {
  const commands = await commandsOf({});
  const inserts = commands.filter(({ name }) => name === "insert").map(({ trip }) => trip);
  const last = Math.max(...commands.map(({ trip }) => trip));
  const [before, behind] = [Math.min(...inserts) - 1, last - Math.max(...inserts)];
  expect({ before, behind }, textOf(commands)).toEqual({ before: 8, behind: 4 });
});
