/** Appends to a spool as fast as it can, and says what is acknowledged. */
import { openTableSpool } from "../../../core/spool/table-spool.ts";

const [, , dir, from] = process.argv;
const spool = await openTableSpool(dir!, "child", "t").shard("s");
for (let n = Number(from); ; n++) {
  const record = { op: "put", event: "INSERT", keys: { pk: { S: "x".repeat(n % 3000) } } } as const;
  await spool.append([{ ...record, sequenceNumber: String(n) }]);
  // What isn't written when the process is killed would look as if it wasn't acknowledged.
  await new Promise((written) => process.stdout.write(`${n}\n`, written));
}
