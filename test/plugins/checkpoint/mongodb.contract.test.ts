/** The checkpoint's contract, kept by `checkpoint.type = mongodb`. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import mongodb from "../../../plugins/checkpoint/mongodb.ts";
import { checkpointContract } from "../../contracts/index.ts";
import { openPlaces } from "./mongodb/place.ts";

setDefaultTimeout(180_000);

let places: Awaited<ReturnType<typeof openPlaces>>;
beforeAll(async () => void (places = await openPlaces()));
afterAll(() => places.client.close());

const makePlace = async () => ({ ...places.make(), words: /^database .*states/ });
for (const { name, run } of checkpointContract({ plugin: mongodb, makePlace })) test(name, run);
