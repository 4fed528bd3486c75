/**
 * What is said on a control socket: a request is one line, each answer another, all of them JSON objects that carry the
 * version. A connection has one request; after the last answer the process closes it.
 */
import * as v from "valibot";
import type { SwitchoverOptions, SwitchoverResult } from "../../core/run/control.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import { type ErrorCode, MigrationError } from "../../core/errors.ts";

/** The member by which either side knows the other. */
export const VERSION = "nimo-shake";
const NOW = 1;
/** A longer line is refused, in bytes. */
export const LONGEST_REQUEST: number = 64 * 1024;
/** A status of many tables and shards may be long. */
export const LONGEST_ANSWER: number = 64 * 1024 * 1024;
/** Who has nothing to say says so at least so often, in ms. */
export const HEARTBEAT = 5000;

/** Of the first answer less is waited for, in ms; an older request is refused. */
export const FIRST_ANSWER: number = 2 * HEARTBEAT;

/** The longest a switch-over may be waited for, in ms: more than that no timer can wait. */
export const LONGEST_TIMEOUT: number = 24 * 24 * 3_600_000;

/** What can be asked for. */
export type Request =
  | { verb: "status" | "pause" | "resume" }
  /** How far a table is applied is to be saved now. */
  | { verb: "note"; table: string }
  /** Pairs: a key may be called anything. */
  | { verb: "set"; values: [key: string, text: string][] }
  | { verb: "switchover"; timeout: number; verify?: SwitchoverOptions["verify"] }
  /** On the connection of a switch-over: it isn't wanted any more. */
  | { verb: "give up" };

const extent: v.GenericSchema<unknown, NonNullable<SwitchoverOptions["verify"]>> = v.union([
  v.literal("all"),
  v.object({ count: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
  v.object({ share: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)) }),
]);

const requestSchema: v.GenericSchema<unknown, Request> = v.variant("verb", [
  v.object({ verb: v.picklist(["status", "pause", "resume", "give up"]) }),
  v.object({ verb: v.literal("note"), table: v.string() }),
  v.object({ verb: v.literal("set"), values: v.array(v.tuple([v.string(), v.string()])) }),
  v.object({
    verb: v.literal("switchover"),
    timeout: v.pipe(v.number(), v.minValue(1), v.maxValue(LONGEST_TIMEOUT)),
    verify: v.optional(extent),
  }),
]);

/** A setting that was changed, as texts of the file; empty: unset. */
export interface Change {
  key: string;
  was: string;
  is: string;
}

/** What a request brings in the end. */
export type Result =
  | { verb: "status"; status: RunStatus }
  | { verb: "pause" | "resume"; paused: boolean; /** It was so already. */ already: boolean }
  | { verb: "note"; /** The table is followed, and it is saved. */ noted: boolean }
  | { verb: "set"; changes: Change[] }
  | { verb: "switchover"; result: SwitchoverAnswer };

/** A switch-over's result, with the verdict as it is shown to people and to programs. */
export interface SwitchoverAnswer extends Omit<SwitchoverResult, "verdict"> {
  verdict?: { text: string; objects?: { message: string }[]; isDifferent: boolean; file: string } | undefined;
}

/** An answer. */
export type Answer =
  /** It takes time; said at once, when it changes, and now and then. Empty: the request is heard. */
  | { type: "waiting"; text: string }
  | { type: "result"; result: Result }
  | { type: "error"; error: { code: ErrorCode; message: string; hint?: string | undefined; exit: number } }
  /** After a switch-over: the run has ended, and its state is saved. */
  | { type: "ended" };

const answerSchema: v.GenericSchema<unknown, object> = v.variant("type", [
  v.object({ type: v.literal("waiting"), text: v.string() }),
  v.object({ type: v.literal("result"), result: v.looseObject({ verb: v.string() }) }),
  v.object({
    type: v.literal("error"),
    error: v.object({
      code: v.string(),
      message: v.string(),
      hint: v.optional(v.string()),
      exit: v.pipe(v.number(), v.integer()),
    }),
  }),
  v.object({ type: v.literal("ended") }),
]);

/** A line, with its end. */
export function encode(message: (Request & { sentAt?: number }) | Answer): string {
  return `${JSON.stringify({ [VERSION]: NOW, ...message })}\n`;
}

/** A request as a command sends it, with the time in ms since 1970. */
export function encodeRequest(request: Request): string {
  return encode({ ...request, sentAt: Date.now() });
}

/** @throws MigrationError CONTROL_FAILED: it can't be understood, or nobody waits for it any more */
export function decodeRequest(line: string): Request {
  const request = parse(line);
  const { success, output, issues } = v.safeParse(requestSchema, request);
  const { sentAt } = request as { sentAt?: unknown };
  // A process that was stopped finds it when it goes on, long after the command has failed.
  if (typeof sentAt === "number" && Date.now() - sentAt > FIRST_ANSWER) {
    throw new MigrationError("CONTROL_FAILED", "the request is too old: who sent it doesn't wait any more");
  }
  if (success) return output;
  const [issue] = issues;
  throw refused(`${v.getDotPath(issue) ?? "the request"}: ${issue.message}`);
}

/** @throws MigrationError CONTROL_FAILED: it can't be understood */
export function decodeAnswer(line: string): Answer {
  const { success, output } = v.safeParse(answerSchema, parse(line));
  if (success) return output as Answer;
  throw refused("there is no such answer");
}

function parse(line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refused("it is no JSON");
  }
  if (typeof value !== "object" || value === null) throw refused("it is no JSON object");
  const version = (value as Record<string, unknown>)[VERSION];
  if (version !== NOW) throw refused(`it isn't of version ${NOW}: "${VERSION}" is missing or another`);
  return value;
}

/** The error for what isn't of the protocol. */
export function refused(why: string): MigrationError {
  return new MigrationError("CONTROL_FAILED", `a line on the control socket can't be understood, ${why}`, {
    hint: "use the same version of nimo-shake for the command as for the run",
  });
}

/** The error for a process that closed the connection. */
export function disconnected(when: string): MigrationError {
  return new MigrationError("CONTROL_FAILED", `the process closed its control socket ${when}`, {
    hint: "see in its log why it has ended, and with nimo-shake status where it stands",
  });
}
