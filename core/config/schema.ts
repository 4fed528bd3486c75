/** Every key of the configuration: its type, what it allows, its default, and one line about it. */
import * as v from "valibot";
import type { Config } from "./config.ts";
import {
  alwaysOn,
  attributeValues,
  batchNumber,
  databaseName,
  flag,
  httpUrl,
  list,
  logLevel,
  MAX,
  memorySize,
  oneOf,
  or,
  port,
  regionName,
  text,
  unset,
  whole,
} from "./value-types.ts";
import type { Rule } from "./value-types.ts";

/** The keys whose default depends on other keys. */
type Dependent = "full.document.write.batch" | "full.read.consistent" | "checkpoint.type";

/** The values key by key, before the defaults that depend on other keys. */
export type ParsedSettings = Omit<Config, Dependent> & { [K in Dependent]: Config[K] | undefined };

/** A rule for every key. */
type Rules = { readonly [K in keyof ParsedSettings]: Rule<ParsedSettings[K]> };

/** `fallback` as it would stand in the file; empty: unset. */
function setting<T>(rule: Rule<T>, fallback: string, description: string): Rule<T> {
  return v.pipe(rule, v.description(description), v.metadata({ default: fallback }));
}

/** See the top of the file. */
export const schema: v.ObjectSchema<Rules, undefined> = v.object({
  "conf.version": setting(whole(1, MAX), "4", "Format of this file; any number from 1 is read"),
  id: setting(databaseName, "nimo-shake", "Name of the migration and of the target database"),
  "log.file": setting(
    text,
    "",
    "Log file, from the working folder; at 500 MB it becomes .1, 100 such are kept; empty: the terminal",
  ),
  "log.level": setting(logLevel, "info", "none, error, warn, info or debug"),
  "log.format": setting(oneOf("text", "json"), "text", "text, or json: every line is a JSON object"),
  "log.buffer": setting(
    flag,
    "true",
    "Write the log file in larger pieces: faster, but a crash may lose the last lines",
  ),
  pid_path: setting(text, "", "Accepted as in the original, which never used it"),
  system_profile: setting(port, "-1", "Profiling port; 0: any free one, -1: off"),
  "full_sync.http_port": setting(port, "9341", "Status port of the full phase; 0: any free one, -1: off"),
  "incr_sync.http_port": setting(port, "9340", "Status port of the incremental phase; 0: any free, -1: off"),
  "http.host": setting(text, "127.0.0.1", "Address the status ports listen on"),
  sync_mode: setting(
    oneOf("all", "full", "incr"),
    "all",
    "all: full, then incremental; full: the full phase only; incr: follow the streams only",
  ),
  incr_sync_parallel: setting(
    flag,
    "false",
    "Read the streams while the full phase runs; only with sync_mode = all",
  ),
  sync_schema_only: setting(flag, "false", "Create collections and indexes only, copy nothing"),
  "source.access_key_id": setting(text, "", "Access key; empty: the SDK's usual credential chain"),
  "source.secret_access_key": setting(text, "", "Secret of the access key"),
  "source.session_token": setting(text, "", "Session token that belongs to temporary keys"),
  "source.profile": setting(text, "", "Profile of the AWS configuration files to take credentials from"),
  "source.role_arn": setting(text, "", "Role to assume"),
  "source.region": setting(regionName, "", "Region of the tables, such as us-east-2"),
  "source.endpoint_url": setting(
    httpUrl,
    "",
    "Another DynamoDB endpoint, such as http://127.0.0.1:8000; works without keys",
  ),
  "source.streams_endpoint_url": setting(httpUrl, "", "The streams' endpoint; empty: derived at AWS"),
  "source.session.max_retries": setting(
    whole(0, MAX),
    "3",
    "How often the SDK repeats a failed request; a Scan is then tried on for 2 minutes, throttled 10",
  ),
  "source.session.timeout": setting(whole(0, MAX), "3000", "Milliseconds one request may take; 0: no limit"),
  "filter.collection.white": setting(list, "", "Tables to migrate and no others, a;b*"),
  "filter.collection.black": setting(list, "", "Tables to leave out, a;b*; with a whitelist neither counts"),
  "qps.full": setting(whole(1, MAX), "1000", "Scan calls a second, all tables together"),
  "qps.full.batch_num": setting(
    unset(batchNumber),
    "",
    "Items one Scan call may bring; empty: as many as fill the service's 1 MB",
  ),
  "qps.incr": setting(whole(1, MAX), "1000", "GetRecords calls a second, all shards together"),
  "qps.incr.batch_num": setting(
    unset(batchNumber),
    "",
    "Records one GetRecords call may bring; empty: the service's 1000, or 1 MB",
  ),
  "target.type": setting(
    oneOf("mongodb", "aliyun_dynamo_proxy", "file", "plugin"),
    "mongodb",
    "mongodb, aliyun_dynamo_proxy (whatever speaks DynamoDB's protocol), file (a folder for mongorestore) or plugin",
  ),
  "target.address": setting(
    text,
    "",
    "Where to write: mongodb://user:password@host:27017, an endpoint such as http://host:8000, or a folder; required",
  ),
  "target.access_key_id": setting(
    text,
    "",
    "Access key for aliyun_dynamo_proxy; empty: the source's, else the SDK's usual credential chain",
  ),
  "target.secret_access_key": setting(text, "", "Secret of the target's access key"),
  "target.session_token": setting(text, "", "Session token that belongs to the target's temporary keys"),
  "target.region": setting(
    regionName,
    "",
    "Region of an aliyun_dynamo_proxy; empty: the one in its address, else the source's",
  ),
  "target.mongodb.type": setting(
    oneOf("replica", "sharding"),
    "replica",
    "replica: a replica set or single server; sharding: a sharded cluster",
  ),
  "target.db.exist": setting(
    oneOf("", "rename", "drop"),
    "",
    "What to do with an existing collection: rename, drop, or empty: stop",
  ),
  "full.concurrency": setting(whole(1, 4096), "4", "Tables copied at the same time"),
  "full.read.concurrency": setting(
    or("auto", "auto", or("0", 1, whole(0, 8192, "", "auto"))),
    "1",
    "Segments one table is read in; auto, which is recommended: one for each 128 MB, and as many at once as the machine can use",
  ),
  "full.read.consistent": setting(
    unset(flag),
    "",
    "Strongly consistent reads, twice the read units; empty: true unless sync_mode = full",
  ),
  "full.read.capacity": setting(
    unset(whole(1, MAX)),
    "",
    "Read capacity units a second one table's scan may use, all segments together; empty: no limit",
  ),
  "full.read.filter_expression": setting(
    text,
    "",
    "Copy only what matches, in DynamoDB's expression syntax, such as age > :min; changes are applied whether they match or not, see plugin.filter.where",
  ),
  "full.read.filter_attributevalues": setting(
    attributeValues,
    "",
    "The expression's values: name```type```value, separated by ~~~",
  ),
  "full.document.concurrency": setting(
    or("auto", "auto", whole(1, 4096, "", "auto")),
    "auto",
    "Writes at the same time, per table; auto: 4, and up to 32 where it is the way to the target that takes the time",
  ),
  "full.document.write.batch": setting(
    unset(whole(0, MAX)),
    "",
    "Documents in one write, at most 1024; empty: as many as have 2 MB; for aliyun_dynamo_proxy 25 (at most 25)",
  ),
  "full.document.parser": setting(whole(1, 4096), "2", "Conversions at the same time, per table"),
  "full.enable_index.primary": setting(
    alwaysOn,
    "true",
    "Create the indexes of the primary key; always on, as in the original",
  ),
  "full.enable_index.user": setting(flag, "true", "Create the indexes of global and local secondary indexes"),
  "full.executor.insert_on_dup_update": setting(
    flag,
    "true",
    "Replace a document whose key is there already, instead of failing",
  ),
  "memory.limit": setting(
    memorySize,
    "256 MB",
    "Memory for what is read and not written yet, in both phases",
  ),
  "convert.type": setting(
    oneOf("change", "mchange", "raw", "same"),
    "change",
    "change: exact values; mchange: numbers as doubles; raw: DynamoDB's typed form; same: unchanged, as aliyun_dynamo_proxy has it",
  ),
  "convert._id": setting(text, "", "Prefix for attributes called _id: pre makes pre_id"),
  "convert.number_overflow": setting(
    oneOf("string", "fail", "round"),
    "string",
    "Numbers of more than 34 digits: string, fail or round",
  ),
  "increase.concurrency": setting(whole(1, MAX), "16", "Shards followed at the same time"),
  "increase.executor.insert_on_dup_update": setting(
    flag,
    "true",
    "Replace a document whose key is there already when an insert arrives",
  ),
  "increase.executor.upsert": setting(
    flag,
    "true",
    "Insert a document that is missing when a change arrives",
  ),
  "increase.persist.dir": setting(
    text,
    "",
    "Where incr_sync_parallel keeps what it has read; empty: ./<id>-spool",
  ),
  "increase.new_tables": setting(
    whole(0, 86_400),
    "30",
    "Seconds between two looks for new tables while the streams are followed: they are copied, then followed; 0: none",
  ),
  "report.file": setting(
    text,
    "",
    "Where the report of a run is written at its end, from the working folder; empty: ./<id>-report.json",
  ),
  on_gap: setting(oneOf("fail", "resync"), "fail", "Changes lost: fail ends the run, resync copies again"),
  "checkpoint.type": setting(
    unset(oneOf("mongodb", "file")),
    "",
    "mongodb or file; empty: mongodb when the target is, else file",
  ),
  "checkpoint.address": setting(
    text,
    "",
    "Connection string or folder of the checkpoints; empty: the target; with file ./<checkpoint.db> if it is there, else the folder checkpoint beside the executable, in the working folder where that is bin or read-only",
  ),
  "checkpoint.db": setting(text, "", "Database or folder of the checkpoints; empty: <id>-checkpoint"),
  "verify.concurrency": setting(
    whole(1, 4096),
    "4",
    "Segments that verify reads, and looks that it takes, at the same time",
  ),
  "verify.after_full": setting(
    oneOf("off", "count", "sample", "full"),
    "off",
    "Compare both sides at the end of the full phase: count, sample (1 %) or full",
  ),
  plugins: setting(list, "", "Files of plugins, ./a.ts;./b.ts, from the configuration file's folder"),
});
