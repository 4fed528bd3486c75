/** What is said of a switch-over when it is done. */
import type { SwitchoverProgress } from "../../core/progress/progress.ts";
import { formatCount, formatTime } from "../format.ts";

/** The last line of a run that was switched over: up to when all is applied, and whether somebody still wrote. */
export function switchedText({ at, changesAfter }: SwitchoverProgress): string {
  const until = formatTime(new Date(at));
  return `switched over: all that was written until ${until} is applied; ${laterText(changesAfter)}`;
}

/** Whether somebody still writes: the changes that were seen and came after the command, of which there may be more. */
export function laterText(changes: number): string {
  if (changes === 0) return "no change was seen that was made after that";
  const [what, were] = changes === 1 ? ["change", "was"] : ["changes", "were"];
  return `${formatCount(changes)} ${what} came that ${were} made after that: somebody still writes to the source`;
}
