/** Writes one file after the other into the folder `argv[2]` until it can't; prints the code of that error. */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const [, , folder] = process.argv;
try {
  for (let i = 0; ; i++) writeFileSync(join(folder!, `${i}.new`), "");
} catch (error) {
  writeSync(1, (error as NodeJS.ErrnoException).code!);
}
