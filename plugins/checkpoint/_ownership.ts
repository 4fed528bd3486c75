/** NimoShake's layout has room for one migration's positions: whose they are is kept beside it. */
import { MigrationError } from "../../core/errors.ts";

/** See the top of the file. */
export interface Ownership {
  /** Whether the place is this migration's. */
  isOurs(): Promise<boolean>;
  /** Refuses a place that is another migration's. */
  check(): Promise<void>;
  /** Makes it this one's, unless it is another's, which is refused. */
  claim(): Promise<void>;
}

/** What {@link createOwnership} takes. */
export interface OwnershipOptions {
  id: string;
  /** NimoShake's place, in words. */
  place: string;
  /** How to find another place, or to free this one. */
  hint: string;
  /** The id of the migration it belongs to; undefined: to none. */
  read: () => Promise<string | undefined>;
  /** Makes it this one's if it is nobody's, which is one step. */
  write: () => Promise<void>;
}

/** Makes a migration's. */
export function createOwnership({ id, place, hint, read, write }: OwnershipOptions): Ownership {
  let owned = false;

  async function check(): Promise<void> {
    if (owned) return;
    const owner = await read();
    owned = owner === id;
    if (owned || owner === undefined) return;
    throw new MigrationError(
      "CHECKPOINT_MISMATCH",
      `the positions there are those of the migration ${owner}, and this one is ${id}: ${place}`,
      { hint },
    );
  }

  return {
    isOurs: async () => (await read()) === id,
    check,
    async claim() {
      await check();
      if (owned) return;
      await write();
      // Of two processes that write at once one is first: reading again tells which.
      await check();
    },
  };
}
