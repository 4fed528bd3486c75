/** Roles that write only while the run may. */
import type { Checkpoint, Roles, Streams, Target } from "../plugin/roles.ts";
import type { Stored } from "../plugin/stored.ts";

const TARGET = new Set<PropertyKey>([
  "makeRoom",
  "create",
  "resume",
  "write",
  "writeEncoded",
  "apply",
  "applyEncoded",
  "index",
  "dropAside",
] satisfies (keyof Target)[]);
/** Parts of a role that write too. */
const PARTS = new Set<PropertyKey>(["stored"] satisfies (keyof Target)[]);
const STORED = new Set<PropertyKey>(["remove"] satisfies (keyof Stored)[]);
const CHECKPOINT = new Set<PropertyKey>([
  "save",
  "saveInOrder",
  "clear",
  "remove",
  "vacate",
] satisfies (keyof Checkpoint)[]);
const STREAMS = new Set<PropertyKey>(["disable"] satisfies (keyof Streams)[]);
const WRITES: Partial<Record<keyof Roles, ReadonlySet<PropertyKey>>> = {
  target: TARGET,
  checkpoint: CHECKPOINT,
  streams: STREAMS,
};

/**
 * A role whose writes ask before they begin; one that writes nothing is given back as it is.
 *
 * @param mayWrite waits while that is in doubt, fails when the run must not write any more
 */
export function fenced<Role extends keyof Roles>(
  role: Role,
  implementation: Roles[Role],
  mayWrite: () => void | Promise<void>,
): Roles[Role] {
  const writes = WRITES[role];
  if (writes === undefined) return implementation;
  return asking(implementation, writes, mayWrite);
}

function asking<T extends object>(
  implementation: T,
  writes: ReadonlySet<PropertyKey>,
  mayWrite: () => void | Promise<void>,
): T {
  const of = implementation;
  // Not of the implementation itself: a proxy has to give what a frozen object has.
  return new Proxy({} as T, {
    has: (_, name) => Reflect.has(of, name),
    set: (_, name, value) => Reflect.set(of, name, value),
    get(_, name) {
      const value: unknown = Reflect.get(of, name, of);
      if (value !== undefined && PARTS.has(name)) return asking(value as object, STORED, mayWrite);
      if (typeof value !== "function") return value;
      const call = (given: unknown[]): unknown => Reflect.apply(value, of, given);
      if (!writes.has(name)) return (...given: unknown[]) => call(given);
      return (...given: unknown[]) => {
        const wait = mayWrite();
        // At once where nothing is in doubt: the order of calls is the order of writes.
        return wait === undefined ? call(given) : wait.then(() => call(given));
      };
    },
  });
}
