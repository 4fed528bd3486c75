/** Saves as fast as it can in the folder `argv[2]`, and prints the number of each save that was acknowledged. */
import { writeSync } from "node:fs";
import file from "../../../../plugins/checkpoint/file.ts";
import { openCheckpoint } from "../open.ts";

const { checkpoint } = await openCheckpoint(file, {
  "checkpoint.type": "file",
  "checkpoint.address": process.argv[2]!,
});
let last = Number((await checkpoint.load("t")).get("0") ?? 0);
for (;;) {
  last++;
  await checkpoint.save("t", new Map(Array.from({ length: 50 }, (_, part) => [String(part), last])));
  writeSync(1, `${last}\n`);
}
