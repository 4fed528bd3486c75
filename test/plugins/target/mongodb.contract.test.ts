/** The target's contract, kept by `target.type = mongodb` on a real mongod. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import mongodb from "../../../plugins/target/mongodb.ts";
import { targetContract, type TargetPlace } from "../../contracts/index.ts";
import { sharedServers } from "../../servers/shared.ts";

import { openPlaces } from "./mongodb/place.ts";
import { changed, raw } from "./mongodb/typed-items.ts";

// the limit set in the preload holds for the first file only
setDefaultTimeout(180_000);

let places: ReturnType<typeof openPlaces>;
beforeAll(async () => void (places = openPlaces((await sharedServers()).mongoUri)));
afterAll(() => places.client.close());

const makePlace = (): Promise<TargetPlace> => places.makePlace();
const can = {
  resume: true,
  rename: true,
  apply: true,
  keys: true,
  sample: true,
  encoded: true,
  stored: true,
  remove: true,
};
for (const { name, run } of targetContract({ plugin: mongodb, makePlace, can, expected: changed }))
  test(name, run);

const makeRaw = (): Promise<TargetPlace> => places.makePlace({ "convert.type": "raw" });
for (const { name, run } of targetContract({ plugin: mongodb, makePlace: makeRaw, can, expected: raw }))
  if (name.startsWith("stored: ")) test(`raw, ${name}`, run);
