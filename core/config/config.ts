/** The configuration: a value for every key. */
import type { AttributeValue } from "../types.ts";

/** The configuration, complete and checked: every key of the reference (`SETTINGS`) with its final value. */
export interface Config {
  "conf.version": number;
  id: string;
  "log.file": string;
  "log.level": "none" | "error" | "warn" | "info" | "debug";
  "log.format": "text" | "json";
  "log.buffer": boolean;
  pid_path: string;
  system_profile: number;
  "full_sync.http_port": number;
  "incr_sync.http_port": number;
  "http.host": string;
  /** With `sync_schema_only` always full. */
  sync_mode: "all" | "full" | "incr";
  incr_sync_parallel: boolean;
  sync_schema_only: boolean;
  "source.access_key_id": string;
  "source.secret_access_key": string;
  "source.session_token": string;
  "source.profile": string;
  "source.role_arn": string;
  "source.region": string;
  "source.endpoint_url": string;
  "source.streams_endpoint_url": string;
  "source.session.max_retries": number;
  "source.session.timeout": number;
  "filter.collection.white": string[];
  "filter.collection.black": string[];
  "qps.full": number;
  /** Undefined: as many as a page holds. */
  "qps.full.batch_num": number | undefined;
  "qps.incr": number;
  /** Undefined: as many as a call may bring. */
  "qps.incr.batch_num": number | undefined;
  /** `plugin`: one of `plugins` provides the target. */
  "target.type": "mongodb" | "aliyun_dynamo_proxy" | "file" | "plugin";
  "target.address": string;
  "target.access_key_id": string;
  "target.secret_access_key": string;
  "target.session_token": string;
  "target.region": string;
  "target.mongodb.type": "replica" | "sharding";
  "target.db.exist": "" | "rename" | "drop";
  "full.concurrency": number;
  "full.read.concurrency": number | "auto";
  "full.read.consistent": boolean;
  "full.read.capacity": number | undefined;
  "full.read.filter_expression": string;
  /** ExpressionAttributeValues: `:name` to value. */
  "full.read.filter_attributevalues": Record<string, AttributeValue>;
  "full.document.concurrency": number | "auto";
  /** Undefined: their bytes decide. */
  "full.document.write.batch": number | undefined;
  "full.document.parser": number;
  "full.enable_index.primary": boolean;
  "full.enable_index.user": boolean;
  "full.executor.insert_on_dup_update": boolean;
  /** In bytes. */
  "memory.limit": number;
  "convert.type": "change" | "mchange" | "raw" | "same";
  "convert._id": string;
  "convert.number_overflow": "string" | "fail" | "round";
  "increase.concurrency": number;
  "increase.executor.insert_on_dup_update": boolean;
  "increase.executor.upsert": boolean;
  "increase.persist.dir": string;
  /** In seconds; 0: never. */
  "increase.new_tables": number;
  "report.file": string;
  on_gap: "fail" | "resync";
  "checkpoint.type": "mongodb" | "file";
  /** Empty with `checkpoint.type = file` when the place is for the checkpoint plugin to find. */
  "checkpoint.address": string;
  "checkpoint.db": string;
  "verify.concurrency": number;
  "verify.after_full": "off" | "count" | "sample" | "full";
  plugins: string[];
}

/** The name of a setting. */
export type SettingKey = keyof Config;
