/** What a run says at its end below its tables: what is left to do, and where the report is. */
import { leftToDo } from "../../core/report/left-to-do.ts";
import type { Words } from "../log/log.ts";
import { oneLine } from "../log/plain-text.ts";
import type { Finished } from "../report.ts";

/** Line by line. How it is gone on with stands in a line of its own, of the error or the stop. */
export function lastWords({ input, isWritten }: Finished): Words[] {
  const list = leftToDo(input).filter(({ kind }) => kind !== "go on");
  const file = input.config["report.file"];
  return [
    // A title, which programs need not.
    ...(list.length > 0 ? [{ text: "left to do:", objects: [] }] : []),
    ...list.map(({ kind, text }) => ({
      text: `  - ${oneLine(text)}`,
      objects: [{ message: "left to do", kind, text }],
    })),
    ...(isWritten ? [{ text: `report: ${file}`, objects: [{ message: "report", file }] }] : []),
  ];
}
