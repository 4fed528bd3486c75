/** A process that inserts into a database when it is told to, over connections as a run has them: ADDRESS DATABASE. */
import { createConsola } from "consola";
import { connect, DURABLE } from "../../../plugins/_mongodb/client.ts";

const [address, database] = process.argv.slice(2) as [string, string];
const never = new AbortController().signal;
const { data } = await connect(address, 1, createConsola({ level: -1 }), { signal: never, abandon: never });
const insert = (_id: number): Promise<unknown> =>
  data.db(database).command({ insert: "c", documents: [{ _id }], writeConcern: DURABLE });
await insert(0);
console.log("ready");
process.stdin.on("data", () => {
  insert(1).catch(() => {});
  console.log("sent");
});
