/** Which of the service's actions are granted, tried one by one. */
import type { Right } from "../../core/plugin/roles.ts";
import { causeName } from "./errors.ts";

/** What the service says to whom an action isn't granted. */
const DENIED = ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"];
/** What a server says that only speaks the protocol. */
const UNKNOWN = "UnknownOperationException";

/** An action, without whether it is granted. */
export type Action = Pick<Right, "action" | "purpose" | "isNeeded">;

/** Collects what comes of tries, table by table. */
export interface RightList {
  /**
   * Tries an action on a table.
   *
   * @returns undefined: it isn't granted, or something else came in between
   */
  try<T>(action: Action, table: string, call: () => Promise<T>): Promise<T | undefined>;
  /** Notes what nobody has tried. */
  untested(action: Action, tables: string[], why: string): void;
  /** An entry for each action and each of its states. */
  list(): Right[];
}

/** Makes it. Only the run's stop is thrown. */
export function createRightList(signal: AbortSignal): RightList {
  const rights = new Map<string, Right>();

  function note(action: Action, state: Right["state"], tables: string[], why?: string): void {
    const key = `${action.action} ${state} ${why ?? ""}`;
    const right = rights.get(key) ?? { ...action, on: [], state, ...(why !== undefined && { why }) };
    right.on.push(...tables);
    rights.set(key, right);
  }

  return {
    async try(action, table, call) {
      try {
        const answer = await call();
        note(action, "granted", [table]);
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        const cause = causeName(error);
        if (DENIED.includes(cause)) note(action, "missing", [table]);
        else if (cause === UNKNOWN) note(action, "untested", [table], "the server doesn't know it");
        else note(action, "untested", [table], error instanceof Error ? error.message : String(error));
        return undefined;
      }
    },
    untested: (action, tables, why) => {
      if (tables.length > 0) note(action, "untested", tables, why);
    },
    list: () => [...rights.values()],
  };
}
