/** The roles that plugins fill, and what holds of all of them. */
import type { Checkpoint } from "./checkpoint.ts";
import type { Converter } from "./converter.ts";
import type { Source } from "./source.ts";
import type { Streams } from "./streams.ts";
import type { Target } from "./target.ts";

export type * from "./checkpoint.ts";
export type * from "./converter.ts";
export type * from "./inspection.ts";
export type * from "./source.ts";
export type * from "./streams.ts";
export type * from "./target.ts";

/**
 * The roles a plugin can fill, each once.
 *
 * **A start asks them in this order.** `checkpoint.load`; `source.tables`; `checkpoint.check`, `target.check`,
 * `lease.claim`; unless a run is gone on with `checkpoint.elsewhere`; `target.find`, `checkRoom` and `checkIndexes`; at a first start `streams.open`. Up to here nothing is
 * changed, but that the lease is taken and a stream may be enabled. Then the places are made at the target, the streams
 * are opened and their positions saved, the tables are read and written, and at last their streams are followed. The end
 * is `lease.release`, and `close` of all roles, the last one filled first, whether the run has failed or not.
 *
 * `check` asks the same up to where something is changed, but neither `lease.claim` nor `streams.open`, and `inspect` of who
 * has it.
 *
 * **Failures.** A `MigrationError` is shown as it is; anything else counts as a defect, with the code INTERNAL. Whoever
 * fills a role makes a call again whose failure may pass, for `ctx.patience` ms or as docs/promises.md says. The engine
 * makes none again, unless an `error` hook answers `retry`: the run ends, and the next start goes on from what is saved.
 * Every method can be called again after it has failed.
 *
 * **Stopping.** A `signal` is `ctx.signal` or follows it, but for writes, which get `ctx.abandon`. When it aborts, a call
 * ends soon; what it throws then isn't shown. One that hasn't ended when `ctx.abandon` aborts, 7 s later, is told by name and
 * waited for no longer; one that begins after that has 1.4 s.
 *
 * **Who may write.** Before each call that changes the target or the checkpoint the engine asks `ctx.mayWrite`. Who makes
 * such a call again asks before each further try.
 *
 * **Units.** Durations are in ms, moments in ms since 1970, sizes in bytes, where nothing else is said.
 */
export interface Roles {
  source: Source;
  streams: Streams;
  target: Target;
  convert: Converter;
  checkpoint: Checkpoint;
}
