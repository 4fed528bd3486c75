/** The target's tables: found, made, deleted, and waited for. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTableCommand,
  type UpdateTableCommandInput,
} from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../core/plugin/context.ts";
import { MigrationError } from "../../../core/errors.ts";
import type { Table } from "../../../core/types.ts";
import { type Calls, createCalls } from "../../_dynamodb/calls.ts";
import { createRequest, type SchemaOptions } from "./schema.ts";

const SECOND = 1000;
/** Tables with large indexes, or many at once, take minutes. */
const PATIENCE = 600 * SECOND;
const PAUSE = { first: 0.1 * SECOND, longest: 2 * SECOND };
/** Between two lines about one wait. */
const QUIET = 30 * SECOND;

/** See the top of the file. */
export interface Tables {
  /** What is there under a table's target name, asked at the start: who can't connect is told soon. */
  look(table: Table): Promise<TableDescription | undefined>;
  /** What is there under a table's target name; one that is being deleted is waited for until it is gone. */
  find(table: Table): Promise<TableDescription | undefined>;
  /**
   * Makes a table and waits until it can be used.
   *
   * @returns whether there was one already
   */
  create(table: Table): Promise<boolean>;
  /** Deletes a table and waits until it is gone. */
  remove(table: Table): Promise<void>;
  /** Changes one of a table's indexes, and waits until that is done: a backfill takes what it takes. */
  update(table: Table, change: UpdateTableCommandInput): Promise<void>;
}

/** Makes them. */
export function createTables(ctx: Context, connected: () => DynamoDBClient): Tables {
  const { log, signal } = ctx;
  const calls = createCalls(ctx, "target");
  const firstCalls = createCalls(ctx, "target", { first: true });

  async function describe(
    { name, targetName }: Table,
    made: Calls = calls,
  ): Promise<TableDescription | undefined> {
    const command = new DescribeTableCommand({ TableName: targetName });
    try {
      const answer = await made({ call: "DescribeTable", table: name }, signal, () =>
        connected().send(command, { abortSignal: signal }),
      );
      return answer.Table;
    } catch (error) {
      if (causeOf(error) === "ResourceNotFoundException") return undefined;
      throw error;
    }
  }

  /** Looks again and again; the pauses grow. */
  async function until<T>(
    what: string,
    look: () => Promise<T | undefined>,
    patience: number = PATIENCE,
  ): Promise<T> {
    const started = performance.now();
    let toldAt = started;
    for (let pause = PAUSE.first; ; pause = Math.min(1.5 * pause, PAUSE.longest)) {
      const found = await look();
      if (found !== undefined) return found;
      const now = performance.now();
      const seconds = Math.round((now - started) / SECOND);
      if (now - started > patience) {
        throw new MigrationError("TARGET_FAILED", `not yet after ${seconds} s: ${what}`, {
          hint: "see the table's state at the target, then start again",
        });
      }
      if (now - toldAt > QUIET) {
        log.info(`still waiting after ${seconds} s: ${what}`);
        toldAt = now;
      }
      await sleep(pause, undefined, { signal });
    }
  }

  async function gone(table: Table): Promise<void> {
    const look = async (): Promise<true | undefined> =>
      (await describe(table)) === undefined ? true : undefined;
    await until(`table ${table.targetName} being deleted`, look);
  }

  async function active(table: Table, patience?: number): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const found = await describe(table);
      const indexes = found?.GlobalSecondaryIndexes ?? [];
      const ready =
        found !== undefined &&
        isActive(found.TableStatus) &&
        indexes.every(({ IndexStatus }) => isActive(IndexStatus));
      return ready ? true : undefined;
    };
    await until(`table ${table.targetName} and its indexes becoming ACTIVE`, look, patience);
  }

  /** Gives whether there was such a table already; undefined: the service has too much to do. */
  async function tryCreate(table: Table, options: SchemaOptions): Promise<boolean | undefined> {
    const command = new CreateTableCommand(createRequest(table, options));
    try {
      await calls({ call: "CreateTable", table: table.name }, signal, () =>
        connected().send(command, { abortSignal: signal }),
      );
      return false;
    } catch (error) {
      const cause = causeOf(error);
      if (cause === "ResourceInUseException") return true;
      if (cause === "LimitExceededException") return undefined;
      if (options.billing === "PAY_PER_REQUEST" && isAboutBilling(error)) {
        log.info(`the target knows no billing on demand, table ${table.targetName} is made without`);
        return tryCreate(table, { ...options, billing: "PROVISIONED" });
      }
      throw error;
    }
  }

  return {
    look: (table) => describe(table, firstCalls),
    async find(table) {
      const found = await describe(table);
      if (found?.TableStatus !== "DELETING") return found;
      await gone(table);
      return undefined;
    },
    async create(table) {
      const options = {
        secondary: ctx.config["full.enable_index.user"],
        billing: "PAY_PER_REQUEST",
      } as const;
      const existed = await until(`room for table ${table.targetName}`, () => tryCreate(table, options));
      await active(table);
      return existed;
    },
    async remove(table) {
      const { name, targetName } = table;
      const command = new DeleteTableCommand({ TableName: targetName });
      await until(`table ${targetName} ready to be deleted`, async () => {
        try {
          await calls({ call: "DeleteTable", table: name }, signal, () =>
            connected().send(command, { abortSignal: signal }),
          );
          return true;
        } catch (error) {
          const cause = causeOf(error);
          if (cause === "ResourceNotFoundException") return true;
          if (cause === "ResourceInUseException" || cause === "LimitExceededException") return undefined;
          throw error;
        }
      });
      await gone(table);
    },
    async update(table, change) {
      const { name, targetName } = table;
      const send = async (): Promise<true | undefined> => {
        try {
          await calls({ call: "UpdateTable", table: name }, signal, () =>
            connected().send(new UpdateTableCommand(change), { abortSignal: signal }),
          );
          return true;
        } catch (error) {
          const cause = causeOf(error);
          if (cause === "ResourceInUseException" || cause === "LimitExceededException") return undefined;
          throw error;
        }
      };
      await until(`table ${targetName} ready to change its indexes`, send);
      await active(table, Number.POSITIVE_INFINITY);
    },
  };
}

/** Not every service tells. */
const isActive = (status: string | undefined): boolean => status === undefined || status === "ACTIVE";

/** The service's word for what went wrong. */
export function causeOf(error: unknown): string {
  const cause = error instanceof MigrationError ? error.cause : undefined;
  return cause instanceof Error ? cause.name : "";
}

function isAboutBilling(error: unknown): boolean {
  return (
    [
      "ValidationException",
      "SerializationException",
      "UnknownParameterException",
      "UnknownParameter",
    ].includes(causeOf(error)) && /billing.?mode|throughput/i.test((error as Error).message)
  );
}
