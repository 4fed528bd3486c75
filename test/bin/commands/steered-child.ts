/** A process with a control socket over a run that only says what came of its switch-over: a result, or none, ever. */
import { scene } from "../control/scene.ts";
import type { SwitchoverResult } from "../../../core/run/control.ts";

const [folder = "", given = ""] = process.argv.slice(2);
const result = JSON.parse(given) as Partial<SwitchoverResult> & { dies?: true };
const { control, server } = await scene("shop", folder);
const { switchover, pause } = control;

control.pause = () => {
  const paused = pause();
  control.settle();
  return paused;
};
control.switchover = async (options) => {
  const done = switchover(options);
  options.onWaiting?.({ stage: "catching up", tables: ["orders"], text: "1 shard of orders" });
  if (result.outcome !== undefined) control.finish(result);
  const { outcome } = await done;
  // As a run that ends after it, or fails to.
  if (outcome === "done") setTimeout(() => void (result.dies ? process.exit(1) : end()), 20);
  return done;
};

async function end(): Promise<void> {
  await server.ended();
  await server[Symbol.asyncDispose]();
  console.log("ending");
  setTimeout(() => process.exit(), 100);
}

process.on("SIGTERM", () => process.exit());
setInterval(() => {}, 1000);
console.log("ready");
