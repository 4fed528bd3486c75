/** Runs before the tests (bunfig.toml): their time limit, and a check that nothing is left behind. */
import { afterAll, setDefaultTimeout } from "bun:test";
import { endEverything, leftovers } from "./servers/process.ts";
import { stopSharedServers } from "./servers/shared.ts";

const SECOND = 1000;

// the limit in bunfig.toml is ignored, and this one holds for the first file only: files with longer tests set theirs
setDefaultTimeout(180 * SECOND);

// from a preload this runs once, after the last file
afterAll(async () => {
  await stopSharedServers();
  const left = leftovers();
  endEverything();
  if (left.length > 0) throw new Error(`left behind by a test:\n${left.join("\n")}`);
});
