/** Fields of any name. */
import type { TargetDocument } from "../types.ts";

/** Sets a field whatever its name: a plain assignment to `__proto__` would set no field. */
export function setField(document: TargetDocument, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(document, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else document[name] = value;
}
