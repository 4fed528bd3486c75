/** Where each kind of failure comes from, and what to do about it: for `nimo-shake help CODE` and the documentation. */
import type { ErrorCode } from "./error-codes.ts";

/** In Markdown's inline code and plain sentences. */
export interface ErrorAdvice {
  cause: string;
  remedy: string;
}

/** Of every code. */
export const ERROR_ADVICE: Readonly<Record<ErrorCode, ErrorAdvice>> = {
  CONFIG_INVALID: {
    cause:
      "A key that doesn't exist, a value out of its range, or two settings that exclude each other. All of them are listed at once.",
    remedy:
      "Correct the lines that are named. `nimo-shake init` writes a file that explains every key. Nothing was touched.",
  },
  CONFIG_MISSING: {
    cause: "No file of that name, or no right to read it.",
    remedy: "Give its path with `-conf=FILE`, or set what is needed by `--set` and the environment.",
  },
  NOT_YET: {
    cause:
      'The command is planned and not built. A key that is planned ends as `CONFIG_INVALID`, with "not yet".',
    remedy: "Leave it out, or take a newer version. It is refused so that nobody believes it has been done.",
  },
  USAGE: {
    cause: "A command, a flag or a value that doesn't exist.",
    remedy: "`nimo-shake help COMMAND` has each command's flags and examples.",
  },
  PLUGIN_INVALID: {
    cause:
      "The file is missing, throws while it is loaded, or gives something that is no plugin; two plugins fill one role; an option is unknown; or, in the midst of a run, what it gives isn't what its role's documentation says.",
    remedy:
      "Correct it, or take it out of `plugins`. At a start nothing was touched; a run goes on where it was when it is started again.",
  },
  TABLE_MISSING: {
    cause:
      "A name in `filter.collection.white` is misspelt or in another region or account; or the lists leave nothing over.",
    remedy: "See region, account and names. Patterns take `*`.",
  },
  TABLE_UNFIT: {
    cause:
      "Its name doesn't fit into a namespace of MongoDB or a file name, two tables come to the same name, a key attribute's name can't be indexed, the table is in no state to be read; or `verify` was started while the run still copies it.",
    remedy:
      "Rename it by the plugin `rename`, or leave it out with `filter.collection.black`. Where `verify` says it: wait for `full sync done!`, or name the tables that are copied with `--tables`.",
  },
  TARGET_EXISTS: {
    cause:
      "Something is in the place of a table that is to be copied, and `target.db.exist` doesn't say what to do with it.",
    remedy:
      "Set `target.db.exist` to `rename` or `drop`, or choose another `id`. Nothing was touched. A finished copy that is started again says so: nothing is left to do, or `sync_mode = all` can't follow it, because its stream no longer reaches back to its begin.",
  },
  SWITCHED_OVER: {
    cause:
      "`switchover` ended it, and the application may write to the target since. A start would apply the source's changes, and `verify --repair` its items, over that.",
    remedy:
      "Nothing is left to do, and nothing was touched. Where the application still writes to the source, `nimo-shake run --again` follows it again; see the runbook. A supervisor that starts it again and again is to be told that it is over.",
  },
  ALREADY_RUNNING: {
    cause:
      "It holds the lease beside the checkpoint; host, process and since when are named. With exit code 1: this process was paused or cut off, and was replaced.",
    remedy:
      "Leave one of them running. The lease of a process that died is free after 30 s, on its own host at once.",
  },
  NOT_RUNNING: {
    cause: "`pause`, `resume`, `set` and `switchover` speak to the run by `<id>.sock` in its working folder.",
    remedy:
      "Give the command in the folder, and as the user, of the run. `nimo-shake status` says where it runs.",
  },
  CONTROL_FAILED: {
    cause: "The socket belongs to another user, or the process is stopped or too busy.",
    remedy: "Try again in a moment, as the user of the run.",
  },
  NOT_SWITCHED: {
    cause:
      "Not every shard came to its tip within `--timeout`, the command was interrupted, or the run isn't following yet.",
    remedy:
      "The run goes on, unless it is said to have ended. See `nimo-shake status` for what lags, and try again.",
  },
  CHECKPOINT_MISMATCH: {
    cause:
      "Settings that change what is copied are others than before; the collection or table is another one than the one that was begun; the checkpoint is damaged or a foreign one; or NimoShake's is where these settings don't look.",
    remedy: "Set the named keys back to go on, or start over with `--fresh`. Nothing was touched.",
  },
  CHECKPOINT_FAILED: {
    cause: "Its server or disk refuses, is full, or was away for longer than is tried again.",
    remedy:
      "See to the disk, or to the server of `checkpoint.address`, and start again: the run goes on from what was saved last.",
  },
  SOURCE_UNREACHABLE: {
    cause:
      "Network, name, proxy, TLS, or an endpoint that is none of DynamoDB, for longer than is tried again.",
    remedy:
      "See `source.region` and `source.endpoint_url`, and that this machine reaches them. Start again: the run goes on.",
  },
  SOURCE_DENIED: {
    cause:
      "Keys that are wrong or expired, a clock that is off, or a right that isn't granted: action and resource are named.",
    remedy:
      "`nimo-shake init --iam` prints the policy that the configuration needs, `nimo-shake check` tries every right.",
  },
  SOURCE_GONE: {
    cause:
      "Somebody deleted it, or deleted it and made it anew, while it was copied; or the last table that was followed was deleted.",
    remedy:
      "Deleted: take it off `filter.collection.white`, if it is there, and start again: the others go on where they were. Made anew with the same key: start again with `on_gap = resync`, which copies this table again. Else start over with `--fresh`, and `target.db.exist` for what is at the target.",
  },
  SOURCE_THROTTLED: {
    cause: "The table's or the account's read capacity is used up, for ten minutes on end.",
    remedy:
      "Set `full.read.capacity` or `qps.full`, or raise the table's capacity. Start again: the run goes on.",
  },
  SOURCE_FAILED: {
    cause:
      "An error of the service that doesn't pass by itself, or an answer that isn't whole, too many times on end.",
    remedy: "The message has the service's own words. Start again: the run goes on.",
  },
  STREAM_UNFIT: {
    cause:
      "Its stream doesn't have both images, `NEW_AND_OLD_IMAGES`; it isn't ready after five minutes; or the source has no streams.",
    remedy:
      "A stream's view can't be changed: if nobody else reads that stream, disable it and start again, which enables it as needed. Or set `sync_mode = full`. No document was touched.",
  },
  STREAM_GAP: {
    cause:
      "A stream keeps a change for 24 hours: the run was stopped, or the copy took, for longer; or somebody disabled the stream or made it anew.",
    remedy:
      "The target misses changes of that table. Set `on_gap = resync` and start again, which copies that table anew over what is there. Before a long copy set `incr_sync_parallel = true`.",
  },
  SPOOL_FAILED: {
    cause: "The disk of `increase.persist.dir` is full, can't be written, or what it kept is damaged.",
    remedy:
      "Make room, or move the folder and set `increase.persist.dir`; then start again. Nothing counts as read that isn't on the disk.",
  },
  TARGET_UNREACHABLE: {
    cause: "Network, name, TLS, or a replica set without a primary, for longer than is tried again.",
    remedy:
      "See `target.address`, and that the servers run and this machine reaches each of them. Start again: the run goes on.",
  },
  TARGET_DENIED: {
    cause: "User or password are wrong, or a right isn't granted.",
    remedy:
      "Grant `readWrite` and `dbAdmin` on the databases that are named; `nimo-shake init --iam` prints the role.",
  },
  TARGET_THROTTLED: {
    cause: "A target that speaks DynamoDB's protocol takes no more, for ten minutes on end.",
    remedy: "Raise its capacity, or set `full.document.concurrency` lower. Start again: the run goes on.",
  },
  TARGET_FAILED: {
    cause:
      "An error that doesn't pass by itself: a disk that is full, a limit, a validator, an index that the data can't have.",
    remedy: "The message has the server's own words. Mend it and start again: the run goes on.",
  },
  DATA_UNFIT: {
    cause:
      "A document beyond 16 MB or 100 levels, an attribute name with a NUL, a number that `convert.number_overflow = fail` refuses, or an `_id` that clashes.",
    remedy:
      "Table and key are named. Correct the item at the source, change the setting, or leave it out by a plugin; an `error` hook may skip it into `<id>-skipped.jsonl`.",
  },
  DUPLICATE_KEY: {
    cause:
      "Another program writes to the collection, or a plugin makes two keys one; or `full.executor.insert_on_dup_update` or `increase.executor.insert_on_dup_update` is false, and a document of that key is there.",
    remedy:
      "Find the other writer, or correct the plugin: the unique index can't be built as long as both are there. Or set the key that is named to true, which replaces the document.",
  },
  COUNT_MISMATCH: {
    cause:
      "Another program writes or deletes at the target; or a repair or a resync would have to remove more than can be explained.",
    remedy:
      "Find who writes there, and see that source and target belong together; then start again. `nimo-shake verify` says which keys differ.",
  },
  DIFFERENT: {
    cause:
      "Somebody else wrote to the target, or to the source with no run to follow it. `verify` ends with 3 also where nothing differs and some keys couldn't be decided, since they changed all the time.",
    remedy:
      "`<id>-diff.jsonl` names every key that differs. Of undecided ones try again when fewer write. `nimo-shake verify --repair` writes what the source has: stop the run before, start it again afterwards.",
  },
  DISK_FAILED: {
    cause: "The working folder's disk is full or can't be written.",
    remedy: "Make room there, or start in another folder.",
  },
  HOOK_FAILED: {
    cause: "An error in the plugin, whose name and hook are named.",
    remedy: "Correct the plugin and start again: the batch was neither written nor counted as done.",
  },
  SKIP_FAILED: {
    cause: "`<id>-skipped.jsonl` can't be written.",
    remedy: "Make room or see to the rights, then start again: nothing was left out that isn't in the file.",
  },
  INTERRUPTED: {
    cause: "Its AbortSignal was aborted.",
    remedy: "Run it again in the same way: it goes on where it stopped.",
  },
  INTERNAL: {
    cause: "An error that nobody foresaw, or one of a plugin's own timers.",
    remedy:
      "What was saved is right: start again. Report it with the stack that `--set log.level=debug` shows.",
  },
};
