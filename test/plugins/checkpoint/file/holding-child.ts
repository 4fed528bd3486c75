/**
 * Takes the lease of the folder `argv[2]` and saves and forgets the name `argv[3]` as fast as it can; prints the code of
 * what it ends with.
 */
import { writeSync } from "node:fs";
import { MigrationError } from "../../../../core/errors.ts";
import { thisProcess } from "../../../../core/host/process.ts";
import file from "../../../../plugins/checkpoint/file.ts";
import { openCheckpoint } from "../open.ts";

const [, , address, name] = process.argv;
const { checkpoint } = await openCheckpoint(file, {
  "checkpoint.type": "file",
  "checkpoint.address": address!,
});
const holder = { ...thisProcess(), token: "child", since: new Date().toISOString() };
await checkpoint.lease!.claim(holder, { ttl: 60_000 });
// Long enough to be seen while it is written.
const states = new Map([["s", { ShardId: "s", text: "x".repeat(4_000_000) }]]);
try {
  for (;;) {
    await checkpoint.save(name!, states);
    await checkpoint.clear(name!);
  }
} catch (error) {
  writeSync(1, error instanceof MigrationError ? error.code : String(error));
}
process.exit();
