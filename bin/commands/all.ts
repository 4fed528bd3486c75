/** All commands, each with its options and what it does. */
import { type CAC, cac } from "cac";
import { addHelp } from "./help.ts";
import { addCheck } from "./check.ts";
import { addClean } from "./clean.ts";
import { addInit } from "./init.ts";
import { addRun } from "./run.ts";
import { addStatus } from "./status.ts";
import { addSteering } from "./steering.ts";
import { addVerify } from "./verify.ts";

/** Each adds what it is called, its options and what it does, in the order of the help. */
const COMMANDS: readonly ((cli: CAC) => void)[] = [
  addInit,
  addCheck,
  addRun,
  addStatus,
  addSteering,
  addVerify,
  addClean,
  addHelp,
];

/** The command line, nothing of it parsed yet. */
export function createCommandLine(): CAC {
  const cli = cac("nimo-shake");
  cli.option("-v, --version", "Shows the version");
  for (const add of COMMANDS) add(cli);
  return cli;
}
