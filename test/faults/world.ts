/** What a schedule is played on: a source that is written to, a target that is looked at, and what can go wrong with them. */
import type { ErrorCode } from "../../core/errors.ts";
import type { Attributes, Settings } from "../e2e/helpers.ts";
import type { Request, TableShape } from "./changes.ts";
import type { Entry } from "./compare.ts";
import type { Configuration } from "./configuration.ts";
import type { Random } from "./random.ts";
import type { Tool } from "./tool.ts";

/** A kind of world: `servers`, and what stands in for what these can't do. */
export interface World {
  name: string;
  /** The targets that it has. */
  targets: readonly Configuration["target"][];
  /** Starts what all schedules of a command share. */
  open(): Promise<OpenWorld>;
}

/** A world whose servers run. */
export interface OpenWorld extends AsyncDisposable {
  /** What its servers are, for people. */
  names: string;
  /** Kinds of faults that can't be had on this machine, and why. */
  missing: string[];
  /** Makes what one schedule needs; nothing of it is left when it is disposed of. */
  scene(setup: Setup): Promise<Scene>;
}

/** For whom a scene is made. */
export interface Setup {
  /** The migration's id. */
  id: string;
  /** The tool's working folder; gone with the schedule. */
  folder: string;
  /** For checkpoint, spool and files of the target: a folder that may become a disk of its own; gone with the schedule. */
  disk: string;
  configuration: Configuration;
  /** The draws of one concern. */
  random(concern: string): Random;
}

/** Source, target and checkpoint of one schedule. */
export interface Scene extends AsyncDisposable {
  tables: readonly TableShape[];
  /** What the tool is told of the servers; every address leads through what can go wrong. */
  settings: Settings;
  /** What can go wrong here, with this configuration. */
  faults: readonly Fault[];
  /** Puts items at the source before anything is read. */
  fill(table: TableShape, items: Attributes[]): Promise<void>;
  /**
   * Makes changes at the source, and resolves when all are made. It goes past everything that can go wrong. Whoever isn't
   * sure that they were made makes them once more: they are the same.
   */
  change(request: Request): Promise<void>;
  /** All that is at the target of a table, as {@link expectedEntry} has it; empty where there is no such place. */
  found(table: TableShape): Promise<Entry[]>;
  /** Ends all that goes wrong, and waits until the servers answer again. */
  calm(): Promise<void>;
}

/** A kind of fault. */
export interface Fault {
  /** As the table has it: `kill -9 of the tool`. */
  name: string;
  /** With these codes the tool may end because of it; it goes on at its next start. */
  codes?: readonly ErrorCode[];
  /** It takes hold of the tool's process itself: two such faults don't go together. */
  process?: boolean;
  /** It needs the tool run from its sources, with `preload.ts` in front. */
  preload?: boolean;
  /** Draws one with all that is to be drawn of it: what it does later depends on nothing else that is drawn. */
  draw(random: Random): Happening;
}

/** A fault as it was drawn. */
export interface Happening {
  /** What happens, with its figures: `SIGSTOP for 12 s`. */
  what: string;
  /** Does it, and resolves when it is over. */
  happen(play: Play): Promise<void>;
}

/** What a fault gets hold of. */
export interface Play {
  tool: Tool;
  /** Aborted at the schedule's deadline. */
  signal: AbortSignal;
  /** A line for the schedule's log. */
  say(line: string): void;
}
