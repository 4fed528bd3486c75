/** `bun run bench [incr|proxy] [options]`: the full phase, the incremental one, or a DynamoDB-protocol target. */
const others = ["incr", "proxy"];
const asked = others.find((name) => name === process.argv[2]);
if (asked !== undefined) process.argv.splice(2, 1);
await import(`./${asked ?? "full"}.ts`);
