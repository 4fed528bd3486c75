/** What a running process does when it is asked for something on its control socket. */
import { withStrings } from "../../core/config/redact.ts";
import { MigrationError, toMigrationError } from "../../core/errors.ts";
import type { RunControl } from "../../core/run/control.ts";
import type { OwnedRunControl } from "../../core/run/steering.ts";
import type { RunStatus } from "../../core/progress/run-status.ts";
import type { Verdict } from "../../core/run/verify.ts";
import { verdictObjects } from "../display/objects.ts";
import { verdictText } from "../display/verdict.ts";
import type { Request, Result, SwitchoverAnswer } from "./protocol.ts";
import type { SettingsText } from "./settings-text.ts";

/** What verbs speak to. */
export interface Running {
  control: RunControl & Pick<OwnedRunControl, "note">;
  /** As it is now. */
  status: () => RunStatus;
  settings: SettingsText;
  /** Hides secrets. */
  redact: (text: string) => string;
}

/** Told what is waited for; empty: nobody knows yet, but the request is heard. */
type Tell = (text: string) => void;

/**
 * Does what a request asks for.
 *
 * @param gone nobody waits for it any more
 * @throws MigrationError what the run refuses it with
 */
export async function carryOut(
  request: Exclude<Request, { verb: "give up" }>,
  { control, status, settings, redact }: Running,
  tell: Tell,
  gone: AbortSignal,
): Promise<Result> {
  switch (request.verb) {
    case "status":
      return { verb: "status", status: status() };
    case "pause": {
      const already = control.paused;
      tell("what was read is being written");
      await control.pause().catch((error: unknown) => {
        throw control.hasEndedBy(error) ? endedMeanwhile("NOT_RUNNING", "it isn't paused", error) : error;
      });
      return { verb: "pause", paused: control.paused, already };
    }
    case "resume": {
      const already = !control.paused;
      control.resume();
      return { verb: "resume", paused: control.paused, already };
    }
    case "note":
      return { verb: "note", noted: await control.note(request.table) };
    case "set": {
      const texts = Object.fromEntries(request.values);
      const changes = settings.changes(texts);
      control.set(texts);
      settings.changed(changes);
      return { verb: "set", changes };
    }
    case "switchover": {
      tell("");
      const { timeout, verify } = request;
      const onWaiting = ({ text }: { text: string }): void => tell(text);
      const switching = control.switchover({ timeout, verify, onWaiting, signal: gone });
      const result = await switching.catch((error: unknown) => {
        throw control.hasEndedBy(error)
          ? endedMeanwhile("NOT_SWITCHED", "it isn't switched over", error)
          : error;
      });
      const { verdict, ...rest } = result;
      const shown: SwitchoverAnswer =
        verdict === undefined ? rest : { ...rest, verdict: shownOf(verdict, redact) };
      return { verb: "switchover", result: shown };
    }
  }
}

/** The run's end is none of the command's: its exit code says how the command went. */
function endedMeanwhile(code: "NOT_RUNNING" | "NOT_SWITCHED", not: string, error: unknown): MigrationError {
  const { code: why, message, hint } = toMigrationError(error);
  const isStopped = why === "INTERRUPTED";
  return new MigrationError(
    code,
    `${not}, the run ${isStopped ? "was stopped meanwhile" : `failed meanwhile with [${why}]`}: ${message}`,
    { hint: isStopped ? "start it again: it goes on where it stopped; then ask again" : (hint ?? SEE_LOG) },
  );
}

const SEE_LOG = "see in its log why it failed, and start it again";

function shownOf(verdict: Verdict, redact: (text: string) => string): SwitchoverAnswer["verdict"] {
  const text = redact(verdictText(verdict, { isTTY: false, width: Number.POSITIVE_INFINITY }));
  const objects = withStrings(verdictObjects(verdict), redact);
  return { text, objects, isDifferent: verdict.isDifferent, file: verdict.path };
}
