/** The target's contract, kept by `target.type = mongodb` before a stand-in for a mongos. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import mongodb from "../../../../plugins/target/mongodb.ts";
import { targetContract, type TargetPlace } from "../../../contracts/index.ts";
import { sharedServers } from "../../../servers/shared.ts";
import { type Mongos, startMongos } from "../../../stand-in/mongos.ts";
import { openPlaces } from "./place.ts";
import { changed } from "./typed-items.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let places: ReturnType<typeof openPlaces>;
let mongos: Mongos;
beforeAll(async () => {
  const { mongoUri } = await sharedServers();
  places = openPlaces(mongoUri);
  mongos = await startMongos(mongoUri);
});
afterAll(async () => {
  await places.client.close();
  await mongos[Symbol.asyncDispose]();
});

const makePlace = (): Promise<TargetPlace> =>
  places.makePlace({ "target.mongodb.type": "sharding", "target.address": mongos.uri });
const can = {
  resume: true,
  rename: true,
  apply: true,
  keys: true,
  sample: true,
  encoded: true,
  stored: true,
  remove: true,
  guardsKeys: true,
};
for (const { name, run } of targetContract({ plugin: mongodb, makePlace, can, expected: changed }))
  test(name, run);
