/** `bun run bench [incr|proxy|verify] [options]`: the full phase, the incremental one, a DynamoDB-protocol target, or comparing. */
const others = ["incr", "proxy", "verify"];
const asked = others.find((name) => name === process.argv[2]);
if (asked !== undefined) process.argv.splice(2, 1);
await import(`./${asked ?? "full"}.ts`);
