/** The worlds that schedules are played on. */
import { serversWorld } from "./servers-world.ts";
import { standInWorld } from "./stand-in-world.ts";
import type { World } from "./world.ts";

/** All of them; the first is the default. */
export const WORLDS: readonly World[] = [serversWorld, standInWorld];
