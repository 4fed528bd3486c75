/** What is left to do when a run has ended, in words: to go on, to look at, to clear away. */
import { isEqual, undecidedOf } from "../verify/report.ts";
import { describePlaces } from "../config/places.ts";
import { redactText } from "../config/redact.ts";
import { isCopied, type Progress, type TableProgress } from "../progress/progress.ts";
import { appliedUntil, streamLag, switchable } from "../progress/stream-progress.ts";
import { endOf } from "./outcome.ts";
import { fewOf } from "../progress/quantities.ts";
import type { ReportInput } from "./report.ts";

const SECOND = 1000;
/** Records live 24 h; an hour is kept for the start itself. */
const STREAM_HOURS = 23;

/** One thing. */
export interface LeftToDo {
  /** Go on: the migration isn't at its end. Look: data that somebody has to see. Then: when all is done. */
  kind: "go on" | "look" | "then";
  text: string;
}

/** In the order in which it is to be done; empty when there is nothing. */
export function leftToDo(input: ReportInput): LeftToDo[] {
  const list = (kind: LeftToDo["kind"], texts: (string | false | undefined)[]): LeftToDo[] =>
    texts.flatMap((text) => (text ? [{ kind, text }] : []));
  return [...list("go on", goOn(input)), ...list("look", look(input)), ...list("then", afterwards(input))];
}

/** What is missing, and how it goes on. */
function goOn(input: ReportInput): (string | false | undefined)[] {
  const { outcome, progress, config, endedAt } = input;
  if (outcome.kind === "done" || outcome.kind === "switched over") return [];
  const tables = [...progress.tables.values()];
  const uncopied = tables.filter((table) => !isCopied(table)).map(({ name }) => name);
  const at = endOf(outcome, endedAt);
  const again = "start it again in the same way: it goes on where it stopped";
  const latest = new Date(at + STREAM_HOURS * 3600 * SECOND).toISOString();
  const places = describePlaces(config);
  return [
    outcome.kind === "failed" && `see to what it failed with: ${outcome.hint ?? outcome.message}`,
    uncopied.length > 0 && `not copied yet: ${fewOf(uncopied)}`,
    behindText(progress, at),
    config.sync_mode === "full"
      ? again
      : `${again}; before ${latest}, for DynamoDB keeps changes for 24 hours and no longer`,
    `keep the checkpoint until then: ${places.checkpoint}`,
  ];
}

/** The tables whose changes aren't all applied, of those not copied that is no news; or since when there may be such changes. */
function behindText(progress: Progress, at: number): string | undefined {
  const behind = switchable(progress, at).behind.flatMap((name) => {
    const table = progress.tables.get(name)!;
    if (table.stream === undefined) return [];
    const lag = streamLag(table.stream, at);
    if (lag === undefined) return `${name}, not caught up`;
    return `${name}, ${lag < SECOND ? "less than a second" : `${Math.round(lag / SECOND)} s`} behind`;
  });
  if (behind.length > 0) return `changes may not be applied yet: ${fewOf(behind)}`;
  const until = appliedUntil(progress);
  return until === undefined
    ? undefined
    : `changes made after ${new Date(until).toISOString()} may not be applied yet`;
}

/** What somebody has to look at. */
function look({
  identity,
  progress,
  outcome,
  verified,
  config,
}: ReportInput): (string | false | undefined)[] {
  const tables = [...progress.tables.values()];
  const skipped = tables.reduce((sum, table) => sum + table.skipped, 0);
  return [
    outcome.kind === "switched over" &&
      outcome.changesAfter > 0 &&
      `changes made at the source after ${outcome.at}: ${outcome.changesAfter}; somebody still writes there`,
    ...[...progress.leftOut].map(
      ([name, { message }]) => `the table ${name} has appeared, and isn't migrated: ${redactText(message)}`,
    ),
    skipped > 0 && `records left out, in ${identity.id}-skipped.jsonl: ${skipped}`,
    ...tables.map(overflowedText),
    ...tables.flatMap(indexTexts),
    verified?.verdict.isDifferent &&
      `source and target differ, see ${verified.verdict.path}; nimo-shake verify --repair writes what the source has`,
    verified !== undefined &&
      isEqual(verified.verdict) === null &&
      `keys that the comparison couldn't decide: ${undecidedOf(verified.verdict.tables)}; nimo-shake verify looks at them again`,
    verified === undefined &&
      (outcome.kind === "done" || outcome.kind === "switched over") &&
      !config.sync_schema_only &&
      "nobody has compared the two sides: nimo-shake verify does",
  ];
}

function overflowedText({ name, overflowed, stream, notes }: TableProgress): string | undefined {
  const count = overflowed + (stream?.overflowed ?? 0);
  if (count === 0) return undefined;
  const keys = (notes?.overflowedKeys ?? []).map((key) => JSON.stringify(key));
  const such = keys.length > 0 ? `, such as in ${fewOf(keys, 2)}` : "";
  return `numbers not held exactly in ${name}: ${count}${such}`;
}

function indexTexts({ name, notes }: TableProgress): string[] {
  return [...(notes?.indexesLeftOut ?? [])].map(
    ([index, reason]) => `the index ${index} of ${name} is not there as planned: ${redactText(reason)}`,
  );
}

/** What is to be done when the migration is at its end. */
function afterwards({ outcome, config, progress }: ReportInput): (string | false | undefined)[] {
  const { target, checkpoint } = describePlaces(config);
  const renamed = [...progress.tables.values()].flatMap(({ notes }) => notes?.renamedTo ?? []);
  const switched = outcome.kind === "switched over";
  const begun = new Date(progress.startedAt).toISOString();
  return [
    renamed.length > 0 &&
      `what was at the target before is still there, to be dropped when nobody needs it: ${fewOf(renamed)}`,
    outcome.kind === "done" &&
      !config.sync_schema_only &&
      `changes made at the source since ${begun} may be missing: sync_mode = full follows no streams`,
    switched && `let the application use the target: ${target}`,
    switched && `keep the checkpoint until the application has run on the target for a while: ${checkpoint}`,
    switched && "the tables' streams are still enabled: disable those that nobody else reads",
    (switched || outcome.kind === "done") &&
      "nimo-shake clean lists what the migration has left, and removes it",
  ];
}
