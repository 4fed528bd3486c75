/**
 * A migration with the settings `argv[2]` whose lease lasts `argv[3]` ms. With `argv[4]` its changes wait before they
 * are written until standard input has something. Prints the moments that a test waits for.
 */
import { writeSync } from "node:fs";
import { loadConfig } from "../../core/config/load.ts";
import { runMigration } from "../../core/run/run.ts";
import { printError } from "../../bin/errors.ts";
import { builtinPlugin } from "../../plugins/index.ts";

const [, , settings, ttl, holds] = process.argv;
const { config } = loadConfig({ set: JSON.parse(settings!) as Record<string, string> });
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new Error("enough")));
const told = (what: string): void => void writeSync(1, `${what}\n`);

await runMigration({
  builtins: builtinPlugin,
  config,
  signal: stop.signal,
  lease: { ttl: Number(ttl) },
  onFullDone: () => told("following"),
  plugins: [
    {
      name: "child",
      setup(ctx) {
        if (holds === undefined) return;
        ctx.hook("write:before", async ({ phase }) => {
          if (phase === "full") return;
          told("before the write");
          await new Promise((resolve) => process.stdin.once("data", resolve));
          told("at the write");
        });
      },
    },
  ],
}).catch((error: unknown) => {
  process.exitCode = stop.signal.aborted ? 0 : printError(error, { debug: false });
});
process.exit();
