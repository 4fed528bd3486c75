/** The codes of failures: what each means, and the exit code it ends the process with. */

/** The name of one kind of failure; stable across versions. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "CONFIG_MISSING"
  | "NOT_YET"
  | "USAGE"
  | "PLUGIN_INVALID"
  | "TABLE_MISSING"
  | "TABLE_UNFIT"
  | "TARGET_EXISTS"
  | "SWITCHED_OVER"
  | "ALREADY_RUNNING"
  | "NOT_RUNNING"
  | "CONTROL_FAILED"
  | "NOT_SWITCHED"
  | "CHECKPOINT_MISMATCH"
  | "CHECKPOINT_FAILED"
  | "SOURCE_UNREACHABLE"
  | "SOURCE_DENIED"
  | "SOURCE_GONE"
  | "SOURCE_THROTTLED"
  | "SOURCE_FAILED"
  | "STREAM_UNFIT"
  | "STREAM_GAP"
  | "SPOOL_FAILED"
  | "TARGET_UNREACHABLE"
  | "TARGET_DENIED"
  | "TARGET_THROTTLED"
  | "TARGET_FAILED"
  | "DATA_UNFIT"
  | "DUPLICATE_KEY"
  | "COUNT_MISMATCH"
  | "DIFFERENT"
  | "DISK_FAILED"
  | "HOOK_FAILED"
  | "SKIP_FAILED"
  | "INTERRUPTED"
  | "INTERNAL";

/** What every code means, and the exit code it ends the process with; in the order of the documentation. */
export const CODES: Readonly<Record<ErrorCode, { exit: number; meaning: string }>> = {
  CONFIG_INVALID: { exit: 2, meaning: "a configuration key or value can't be used" },
  CONFIG_MISSING: { exit: 2, meaning: "the configuration file can't be read" },
  NOT_YET: { exit: 2, meaning: "a command whose feature is not built yet" },
  USAGE: { exit: 2, meaning: "the command line can't be understood" },
  PLUGIN_INVALID: { exit: 2, meaning: "a plugin doesn't load or fit" },
  TABLE_MISSING: { exit: 2, meaning: "a table of the whitelist doesn't exist, or none is left to migrate" },
  TABLE_UNFIT: {
    exit: 2,
    meaning: "a table can't be read, be represented at the target, or be compared yet",
  },
  TARGET_EXISTS: { exit: 2, meaning: "a collection of that name exists at the target" },
  SWITCHED_OVER: { exit: 2, meaning: "the migration was switched over, and is over" },
  ALREADY_RUNNING: { exit: 2, meaning: "another process with the same id is running" },
  NOT_RUNNING: { exit: 1, meaning: "no process of this id runs here that could be spoken to" },
  CONTROL_FAILED: { exit: 1, meaning: "the running process can't be spoken to, or doesn't answer" },
  NOT_SWITCHED: { exit: 1, meaning: "no switch-over: it was given up, or the run ended meanwhile" },
  CHECKPOINT_MISMATCH: { exit: 2, meaning: "the checkpoint was made under other settings, or can't be read" },
  CHECKPOINT_FAILED: { exit: 1, meaning: "the checkpoint can't be read or saved" },
  SOURCE_UNREACHABLE: { exit: 1, meaning: "the source doesn't answer" },
  SOURCE_DENIED: { exit: 1, meaning: "the source refuses the credentials or the action" },
  SOURCE_GONE: { exit: 1, meaning: "a table vanished or was made anew while it was migrated" },
  SOURCE_THROTTLED: { exit: 1, meaning: "the source kept throttling past the retry limit" },
  SOURCE_FAILED: { exit: 1, meaning: "the source answered with an error" },
  STREAM_UNFIT: { exit: 2, meaning: "a table's stream can't be followed" },
  STREAM_GAP: { exit: 1, meaning: "changes that were not read are gone from the stream" },
  SPOOL_FAILED: { exit: 1, meaning: "changes that were read can't be kept on the disk" },
  TARGET_UNREACHABLE: { exit: 1, meaning: "the target doesn't answer" },
  TARGET_DENIED: { exit: 1, meaning: "the target refuses the credentials or the action" },
  TARGET_THROTTLED: { exit: 1, meaning: "the target kept throttling past the retry limit" },
  TARGET_FAILED: { exit: 1, meaning: "the target answered with an error" },
  DATA_UNFIT: { exit: 1, meaning: "an item can't be represented at the target without loss" },
  DUPLICATE_KEY: { exit: 1, meaning: "two documents have the same key" },
  COUNT_MISMATCH: { exit: 1, meaning: "the target's documents don't add up to what was written" },
  DIFFERENT: { exit: 3, meaning: "source and target differ, and verify has said where" },
  DISK_FAILED: { exit: 1, meaning: "what verify has read can't be kept on the disk" },
  HOOK_FAILED: { exit: 1, meaning: "a plugin's hook threw" },
  SKIP_FAILED: { exit: 1, meaning: "records to be skipped can't be kept on the disk" },
  INTERRUPTED: { exit: 130, meaning: "the program that runs the library stopped it" },
  INTERNAL: { exit: 1, meaning: "a defect in nimo-shake" },
};
