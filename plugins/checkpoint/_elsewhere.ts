/** NimoShake's checkpoint where the configured one doesn't look: a start would begin anew what is migrated. */
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { MongoServerError } from "mongodb";
import { addressProblem, hostsOf } from "../../core/config/mongo-address.ts";
import { SERVER_RETRY, withRetry } from "../../core/flow/retry.ts";
import type { Context } from "../../core/plugin/context.ts";
import type { Elsewhere } from "../../core/plugin/roles.ts";
import type { Table } from "../../core/types.ts";
import { answered, connect } from "../_mongodb/client.ts";
import { isPassing, isUnauthorized, targetError } from "../_mongodb/errors.ts";
import { retryReporter } from "../_mongodb/retry-reporter.ts";
import { STATUS } from "./_nimoshake.ts";
import { readOriginal } from "./file/nimoshake-files.ts";
import { attempt } from "./file/state-file.ts";
import { collectionsIn } from "./mongodb/left.ts";
import { loadOriginal } from "./mongodb/nimoshake-collections.ts";

/** As NimoShake says that it follows; what it has only begun to copy is copied anew anyway. */
const FOLLOWS = "incr_sync";
/** How MongoDB's own service says that a user has no right to something. */
const ATLAS_ERROR = 8000;

/**
 * Its files: they are in `./<checkpoint.db>`, whatever `checkpoint.address` says.
 *
 * @param used the folder that is looked in already, if it is one
 */
export async function inFiles(
  { config }: Pick<Context, "config">,
  tables: readonly Table[],
  used?: string,
): Promise<Elsewhere | undefined> {
  const folder = resolve(config["checkpoint.db"]);
  if (folder === used) return undefined;
  const status = (await readOriginal(folder, STATUS)).get(STATUS);
  if (status === undefined || JSON.parse(status) !== FOLLOWS) return undefined;
  const names = await attempt(folder, () => readdir(folder));
  if (!isAmong(names, tables)) return undefined;
  const settings =
    used === undefined
      ? "set checkpoint.type = file and leave checkpoint.address empty"
      : "leave checkpoint.address empty";
  return { place: `folder ${folder}`, settings };
}

/**
 * Its database at the target, whose address is known. One that may not be read isn't looked into.
 *
 * @param used the address that is looked at already, if it is one
 */
export async function inTarget(
  ctx: Context,
  tables: readonly Table[],
  used?: string,
): Promise<Elsewhere | undefined> {
  const { config, signal, abandon, log } = ctx;
  const { "target.address": address, "checkpoint.db": database } = config;
  if (config["target.type"] !== "mongodb" || address === used || addressProblem(address) !== undefined)
    return undefined;
  const what = `looking for NimoShake's checkpoint in database ${database}`;
  const { patient, close } = await connect(address, 1, log, { signal, abandon });
  const look = async (): Promise<boolean> => {
    const db = patient.db(database);
    if ((await loadOriginal(db, STATUS)).get(STATUS) !== FOLLOWS) return false;
    return isAmong(await collectionsIn(db), tables);
  };
  try {
    const isThere = await withRetry(() => answered(look(), abandon), {
      policy: { ...SERVER_RETRY, total: ctx.patience },
      passes: isPassing,
      signal,
      onRetry: retryReporter(ctx, "checkpoint", what),
    });
    if (!isThere) return undefined;
  } catch (error) {
    if (isUnauthorized(error) || (error instanceof MongoServerError && error.code === ATLAS_ERROR))
      return undefined;
    throw targetError(error, what);
  } finally {
    await close();
  }
  return {
    place: `database ${database} at ${hostsOf(address)}`,
    settings:
      used === undefined && config["checkpoint.address"] === ""
        ? "set checkpoint.type = mongodb"
        : `${used === undefined ? "set checkpoint.type = mongodb and " : ""}leave checkpoint.address empty`,
  };
}

function isAmong(names: readonly string[], tables: readonly Table[]): boolean {
  const there = new Set(names);
  return tables.some(({ name }) => there.has(name));
}
