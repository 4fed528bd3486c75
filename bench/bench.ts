/** `bun run bench [incr] [options]`: the full phase, or with `incr` the incremental one. */
if (process.argv[2] === "incr") {
  process.argv.splice(2, 1);
  await import("./incr.ts");
} else await import("./full.ts");
