/**
 * A migration as a function: `bun examples/library.ts SOURCE TARGET`, for example
 * `bun examples/library.ts http://127.0.0.1:8000 mongodb://127.0.0.1:27017`. Ctrl-C ends it, and it goes on the next time.
 */
import { createProgress, migrate, MigrationError } from "nimo-shake";

const [source, target] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const progress = createProgress();
const show = setInterval(() => {
  for (const { name, written, itemCount } of progress.tables.values())
    console.log(`${name}: ${written} of ~${itemCount}`);
}, 1000);

try {
  const { tables, written, ms } = await migrate({
    config: {
      id: "library-example",
      sync_mode: "full",
      "source.endpoint_url": source,
      "target.address": target,
      "full.read.concurrency": "auto",
    },
    hooks: {
      "fetch:after": (e) => e.keep((item) => item["deleted"]?.BOOL !== true),
      "table:after": ({ table, filtered }) => console.log(`${table.name}: ${filtered} left out`),
    },
    signal: stop.signal,
    progress,
  });
  console.log(`${written} documents of ${tables.length} tables in ${ms} ms`);
} catch (error) {
  if (!(error instanceof MigrationError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ""}`);
  process.exitCode = error.exit;
} finally {
  clearInterval(show);
}
