/** The hooks: their names and their events. */
import type { MigrationError } from "../errors.ts";
import type {
  Batch,
  Item,
  Phase,
  Position,
  SourceRecord,
  Table,
  TargetIndex,
  Unit,
  WriteResult,
} from "../types.ts";

/**
 * The stages an error can come from. `setup`: the preparation, up to the places at the target. `fetch`: a page of a Scan
 * or a request to a shard, and the hooks on it. `convert`, `write`, `index`: these steps with their hooks. `checkpoint`:
 * a save while data is copied or followed, with its hooks.
 */
export type Stage = "setup" | "fetch" | "convert" | "write" | "index" | "checkpoint";

/** The tables about to be migrated; `tables` may be edited or replaced: what is taken out isn't touched. */
export interface SetupEvent {
  tables: Table[];
}

/** What the hooks that see a table get. */
export interface TableEvent {
  phase: Phase;
  /** `targetName` may be changed in `table:before`. */
  table: Table;
}

/** A finished table's counts, those of earlier starts among them. */
export interface TableAfterEvent extends TableEvent {
  /** Items read. */
  read: number;
  /** Of these, those that hooks dropped or wanted skipped. */
  filtered: number;
  /** Documents acknowledged. */
  written: number;
}

/**
 * A request about to be sent to the source; edit `request` in place. The built-in sources make it of a Scan's or a
 * GetRecords' input, as the SDK takes it.
 */
export interface FetchBeforeEvent extends TableEvent {
  unit: Unit;
  request: object;
}

/** Records as they came from the source; edit or replace `records`. */
export interface RecordsEvent extends TableEvent {
  unit: Unit;
  records: SourceRecord[];
}

/** The records of one page, and a filter for them. */
export interface FetchAfterEvent extends RecordsEvent {
  /**
   * Keeps what matches. Looks at the new and the old image: an item that leaves the filter
   * becomes a delete, one that enters it an insert. Cheaper than looking at `records`, which need not even be made;
   * the predicate reads the item and doesn't change it.
   */
  keep(predicate: (item: Item) => boolean, options?: KeepOptions): void;
}

/** What a predicate says of itself. */
export interface KeepOptions {
  /**
   * Whether an item may be read after the predicate has returned; default: true. When none is, the memory of the
   * page is given back as soon as it is written.
   */
  holdsItems?: boolean;
}

/** A batch that has been written. */
export interface WriteAfterEvent extends TableEvent {
  unit: Unit;
  records: SourceRecord[];
  result: WriteResult;
}

/** The indexes about to be built; `indexes` may be edited. */
export interface IndexEvent extends TableEvent {
  indexes: TargetIndex[];
}

/** A position about to be saved, or saved. */
export interface CheckpointEvent extends TableEvent {
  unit: Unit;
  /** Undefined: the unit is finished, or, of a shard, no record of it is applied yet. */
  position: Position | undefined;
}

/**
 * A failure; set `action` to decide what happens, `stop` if nobody does. What may pass by itself was tried again for
 * minutes before. Nobody is asked about a gap, which is for `on_gap`, about what fails because the run stops, nor about
 * what is no stage's: opening streams, listing shards, counting, and what `on_gap = resync` deletes.
 */
export interface ErrorEvent {
  error: MigrationError;
  stage: Stage;
  table?: Table;
  /** The records concerned, in the stages fetch, convert and write. */
  batch?: Batch;
  /** How often this step has failed in a row, from 1. */
  attempt: number;
  /**
   * `retry`: the step is done again, after a pause that grows from 0.1 to 5 s. `skip`, where there is a batch: its
   * records are tried one by one, and those that fail again, asked about one by one, go to `<id>-skipped.jsonl`;
   * at `index` the table's indexes are left as they are. `stop`: the run ends, and its checkpoint stays before it.
   */
  action?: "retry" | "skip" | "stop";
}

/**
 * Every hook's name and event. A hook gets one event object, edits it and returns nothing
 * (a promise is awaited). Hooks run one after the other, per batch or lifecycle edge, never per item; those of several
 * units, pages and batches run at the same time. What one throws is its stage's failure: HOOK_FAILED, or its own
 * MigrationError.
 */
export interface Hooks {
  /**
   * Once a start, when the tables are known and before anything is written; again when that is tried again, and when the
   * source has new tables while the streams are followed: then with all, and only what becomes of the new ones counts.
   */
  setup: (event: SetupEvent) => void | Promise<void>;
  /**
   * Per table, before anything is written; `targetName` may be changed. Once more for each secondary index that the
   * source's table has got while it was read: then only `secondary` counts.
   */
  "table:before": (event: TableEvent) => void | Promise<void>;
  /** Per table, when its data and indexes are there and that is saved; after a crash just then not again. */
  "table:after": (event: TableAfterEvent) => void | Promise<void>;
  /** Per request for items or changes, before it is sent; not for looks at a quiet shard while its table is copied. */
  "fetch:before": (event: FetchBeforeEvent) => void | Promise<void>;
  /** Per page, before all others that see its records. */
  "fetch:after": (event: FetchAfterEvent) => void | Promise<void>;
  /** Per page, before its records are converted. */
  "convert:before": (event: RecordsEvent) => void | Promise<void>;
  /** Per page, when its records have `key` and `document`. */
  "convert:after": (event: RecordsEvent) => void | Promise<void>;
  /** Per batch, before it is sent to the target. */
  "write:before": (event: RecordsEvent) => void | Promise<void>;
  /** Per batch, when the target has acknowledged it, and before its position is saved. */
  "write:after": (event: WriteAfterEvent) => void | Promise<void>;
  /** Per table, after its data and before its indexes are built; with `sync_mode = incr` at every start. */
  "index:before": (event: IndexEvent) => void | Promise<void>;
  /** Per table, when its indexes are there. */
  "index:after": (event: IndexEvent) => void | Promise<void>;
  /** Per position, before it is saved. */
  "checkpoint:before": (event: CheckpointEvent) => void | Promise<void>;
  /** Per position, when it is saved. */
  "checkpoint:after": (event: CheckpointEvent) => void | Promise<void>;
  /** When a stage failed; may decide what to do about it. Of one that throws itself nothing is taken: the run ends. */
  error: (event: ErrorEvent) => void | Promise<void>;
  /** Once, at the end, whether the run failed or not. */
  close: (event: { error?: MigrationError }) => void | Promise<void>;
}

/** The hooks in which a plugin may change or drop records. */
export const EDITING_HOOKS: ReadonlySet<HookName> = new Set([
  "fetch:after",
  "convert:before",
  "convert:after",
  "write:before",
]);

/** A hook's name. */
export type HookName = keyof Hooks;
/** The event a hook gets. */
export type HookEvent<Name extends HookName> = Parameters<Hooks[Name]>[0];
