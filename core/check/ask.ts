/** What the roles say when they are asked what is there and what is granted. */
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { whyNotWritable } from "../host/writable.ts";
import type { Context } from "../plugin/context.ts";
import type { Inspection, SourceInspection, StreamsInspection, TargetInspection } from "../plugin/roles.ts";
import type { Table } from "../types.ts";
import { type Problems, problemOf } from "./problems.ts";

/** What each has said; undefined: it can't tell, or couldn't be asked. */
export interface Answers {
  source: SourceInspection | undefined;
  streams: StreamsInspection | undefined;
  target: TargetInspection | undefined;
  checkpoint: Inspection | undefined;
}

/**
 * Asks all of them at once. What a stream can't be followed for is a problem.
 *
 * @param begun the tables whose streams are asked for
 */
export async function askRoles(
  ctx: Context,
  tables: Table[],
  begun: Table[],
  { hear, add }: Problems,
): Promise<Answers> {
  const { signal, config } = ctx;
  const follows = config.sync_mode !== "full";
  const [source, streams, target, checkpoint] = await Promise.all([
    hear(() => ctx.role("source").inspect?.(tables, signal)),
    follows ? hear(() => ctx.role("streams").inspect?.(begun, signal)) : undefined,
    hear(() => ctx.role("target").inspect?.(tables, signal)),
    hear(() => ctx.role("checkpoint").inspect?.(tables, signal)),
  ]);
  for (const refusal of streams?.refusals ?? []) add(problemOf(refusal));
  return { source, streams, target, checkpoint };
}

/** Whether changes can be spooled, where they are. */
export async function inspectSpool(config: Config): Promise<Inspection | undefined> {
  if (!config.incr_sync_parallel) return undefined;
  const folder = resolve(config["increase.persist.dir"]);
  const why = await whyNotWritable(folder);
  const right = { action: "write", on: [folder], purpose: "spool changes", isNeeded: true };
  return {
    rights: [why === undefined ? { ...right, state: "granted" } : { ...right, state: "missing", why }],
  };
}
