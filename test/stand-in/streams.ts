/**
 * A source whose tables have streams with a scripted life: shards split and rotate, children show up late, records are
 * trimmed, iterators expire. It stands on the stand-in of the tables, whose misbehaviours apply here too.
 */
import { type ChangingTable, createChangingTable } from "./changing-table.ts";
import { type Call, type Misbehaviour, type StandIn, type StandInItem, startStandIn } from "./dynamodb.ts";
import { failure as failed, success } from "./protocol.ts";

const VIEW = "NEW_AND_OLD_IMAGES";

/** A record as GetRecords gives it. */
interface StreamRecord {
  eventName: "INSERT" | "MODIFY" | "REMOVE";
  dynamodb: { SequenceNumber: string; [more: string]: unknown };
}

interface ShardScript {
  id: string;
  parent: string | undefined;
  first: bigint;
  closed: boolean;
  /** In ms since 1970. */
  closedAt: number;
  /** The part of the keys' hashes it owns: from, to. */
  range: [number, number];
  records: StreamRecord[];
  /** Records before this place are gone. */
  trimmed: number;
  /** So many records were asked past; one more, and its children were asked for. */
  read: number;
  /** Where the last iterator was asked for by a record's number. */
  asked?: Asked;
  /** How often it was asked. */
  polls: number;
  /** Listed from then on, in ms since 1970. */
  listedAt: number;
  vanished: boolean;
}

/** An iterator that was asked for. */
export interface Asked {
  /** So many records of the shard are before it. */
  place: number;
  /** By `performance.now()`. */
  time: number;
}

/** What {@link startStreams} takes. */
export interface StreamsOptions {
  /** Names of the tables. */
  tables: string[];
  /** The keys of those that have another one than `pk` of type S. */
  keys?: Record<string, ChangingTable["keys"]>;
  /** Keys of one Scan's answer; default: all. */
  scanPage?: number;
  misbehave?: (call: Call) => Misbehaviour | undefined;
  /** Shards of one DescribeStream answer. */
  page?: number;
  /** What CHILD_SHARDS does. */
  childFilter?: "works" | "ignored" | "refused";
  /** Every so-many-th GetRecords answer of a shard is empty, whatever there is. */
  emptyEvery?: number;
  /** Children are listed so late, in ms; a function is asked for each of them. */
  childrenAfter?: number | (() => number);
  /** So old is what a listing says, in ms; asked for each answer. */
  listingAge?: () => number;
  /** So many records before its place a new iterator begins; asked for each. */
  repeats?: () => number;
  /** What DescribeTable says of the streams at first. */
  view?: string;
  /** What the identifiers of the streams end with; default: their numbers. */
  label?: string;
  /** The streams aren't enabled yet. */
  disabled?: boolean;
}

/** A running stand-in with its script. */
export interface Streams extends AsyncDisposable {
  source: StandIn;
  /** What it would answer, were it not told to misbehave. */
  right(call: Call): Misbehaviour | undefined;
  put(table: string, item: StandInItem): void;
  /** @param key its text */
  remove(table: string, key: string): void;
  /** An item's key as text, see {@link ChangingTable.textOf}. */
  textOf(table: string, item: StandInItem): string;
  /** What is there now, by key. */
  model(table: string): Map<string, StandInItem>;
  /** The open shards' identifiers. */
  open(table: string): string[];
  /** Whether all that a shard has was read, its end too: who goes on from there, or asks for its children, has it. */
  isRead(table: string, shard: string): boolean;
  /** Where the last iterator of a shard was asked for by a record's number: who does so has noted that record. */
  asked(table: string, shard: string): Asked | undefined;
  /** How many records a shard was given. */
  records(table: string, shard: string): number;
  /** Closes a shard; so many children follow it. */
  split(table: string, shard: string, children?: number): void;
  /** Takes away a shard's oldest records, all but so many. */
  trim(table: string, shard: string, keep: number): void;
  /** The parent of a shard, that one's parent, and so on. */
  ancestors(table: string, shard: string): string[];
  /** Takes a shard away. */
  vanish(table: string, shard: string): void;
  /** No iterator that was given out works any more. */
  expire(): void;
  /** The stream is another one from now on. */
  renew(table: string): void;
  /** The table is another one from now on, without an item. */
  remake(table: string): void;
  /** Makes a table, also one that was dropped. */
  create(table: string): void;
  /** The table is gone; what its stream has can still be read. */
  drop(table: string): void;
  /** The stream is disabled: its shards end. Enabled again it is another one. */
  disable(table: string): void;
}

interface Table {
  content: ChangingTable;
  shards: ShardScript[];
  stream: number;
  /** How often it was made. */
  made: number;
  enabled: boolean;
  dropped: boolean;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const {
    page = 100,
    childFilter = "works",
    emptyEvery = 0,
    childrenAfter = 0,
    view = VIEW,
    scanPage = Infinity,
  } = options;
  const tables = new Map<string, Table>();
  // Of differing lengths, so that their order as text is another.
  let sequence = 9_990n;
  let made = 0;
  let age = 0;

  function newShard(parent: string | undefined, range: [number, number], late: number): ShardScript {
    // Later ones come before earlier ones in the order of the text.
    const id = `shardId-${String(99_999_999 - made++ * 7).padStart(12, "0")}-${(made * 7919) % 1000}`;
    const shard = {
      id,
      parent,
      first: sequence,
      closed: false,
      closedAt: Infinity,
      range,
      records: [],
      trimmed: 0,
      read: 0,
      polls: 0,
    };
    return { ...shard, listedAt: Date.now() + late, vanished: false };
  }

  const late = (): number => (typeof childrenAfter === "number" ? childrenAfter : childrenAfter());

  function make(name: string): void {
    const shards = [newShard(undefined, [0, 0.5], 0), newShard(undefined, [0.5, 1], 0)];
    const enabled = options.disabled !== true;
    const content = createChangingTable(options.keys?.[name] ?? [["pk", "S"]]);
    tables.set(name, { content, shards, stream: 1, made: 1, enabled, dropped: false });
  }
  for (const name of options.tables) make(name);

  function remake(table: Table): void {
    table.content.clear();
    table.shards = [newShard(undefined, [0, 1], 0)];
    table.stream++;
    table.made++;
  }

  function close(table: Table): void {
    for (const shard of table.shards) shard.closed = true;
  }

  const arnOf = (name: string): string =>
    `arn:aws:dynamodb:x:0:table/${name}/stream/${options.label ?? tables.get(name)!.stream}`;

  function record(
    { content, shards }: Table,
    text: string,
    before: StandInItem | undefined,
    after: StandInItem | undefined,
  ): void {
    const place = content.placeOf(text);
    const shard = shards.find(({ closed, range }) => !closed && place >= range[0] && place < range[1]);
    // Its stream is disabled.
    if (shard === undefined) return;
    sequence += BigInt(1 + (Number(sequence) % 3));
    const item = (after ?? before)!;
    shard.records.push({
      eventName: after === undefined ? "REMOVE" : before === undefined ? "INSERT" : "MODIFY",
      dynamodb: {
        ApproximateCreationDateTime: Date.now() / 1000,
        Keys: Object.fromEntries(content.keys.map(([name]) => [name, item[name]])),
        ...(after && { NewImage: after }),
        ...(before && { OldImage: before }),
        SequenceNumber: String(sequence),
      },
    });
  }

  function set(name: string, text: string, item: StandInItem | undefined): void {
    const table = tables.get(name)!;
    const before = table.content.set(text, item);
    if (before !== undefined || item !== undefined) record(table, text, before, item);
  }

  const shardOf = (name: string, id: string): ShardScript =>
    tables.get(name)!.shards.find((shard) => shard.id === id)!;
  const isDropped = (name: string): boolean => tables.get(name)?.dropped === true;

  function ancestors(name: string, id: string): string[] {
    const { parent } = shardOf(name, id);
    return parent === undefined ? [] : [parent, ...ancestors(name, parent)];
  }

  const failure = (error: string, message?: string): Misbehaviour => ({ error, ...(message && { message }) });

  function describeTable(name: string): Misbehaviour {
    const { enabled, made, content } = tables.get(name)!;
    const Table = {
      TableName: name,
      TableId: `id-of-${name}-${made}`,
      TableStatus: "ACTIVE",
      AttributeDefinitions: content.keys.map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: content.keys.map(([AttributeName], i) => ({
        AttributeName,
        KeyType: i === 0 ? "HASH" : "RANGE",
      })),
      ItemCount: 0,
      TableSizeBytes: 0,
      ...(enabled && {
        LatestStreamArn: arnOf(name),
        StreamSpecification: { StreamEnabled: true, StreamViewType: view },
      }),
    };
    return { result: { Table } };
  }

  function describeStream(name: string, body: Record<string, unknown>): Misbehaviour {
    const filter = body["ShardFilter"] as { ShardId: string } | undefined;
    if (filter && childFilter === "refused") return failure("ValidationException");
    const asOf = Date.now() - (options.listingAge?.() ?? 0);
    let shards = tables.get(name)!.shards.filter((shard) => !shard.vanished && shard.listedAt <= asOf);
    if (filter) {
      const { ShardId: id } = filter;
      shardOf(name, id).read = Infinity;
      shards = shards.filter((shard) => (childFilter === "works" ? shard.parent === id : shard.id === id));
    }
    const after = body["ExclusiveStartShardId"];
    const from = after === undefined ? 0 : shards.findIndex(({ id }) => id === after) + 1;
    const some = shards.slice(from, from + page);
    const Shards = some.map(({ id, parent, first, closedAt, records }) => ({
      ShardId: id,
      ...(parent && { ParentShardId: parent }),
      SequenceNumberRange: {
        StartingSequenceNumber: String(first),
        ...(closedAt <= asOf && {
          EndingSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber ?? String(first),
        }),
      },
    }));
    const more = from + page < shards.length && { LastEvaluatedShardId: some.at(-1)!.id };
    return { result: { StreamDescription: { StreamStatus: "ENABLED", Shards, ...more } } };
  }

  function iterator(name: string, body: Record<string, unknown>): Misbehaviour {
    const shard = shardOf(name, String(body["ShardId"]));
    if (shard === undefined || shard.vanished) return failure("ResourceNotFoundException");
    const numbers = shard.records.map(({ dynamodb }) => BigInt(dynamodb.SequenceNumber));
    const wanted = body["SequenceNumber"] === undefined ? 0n : BigInt(String(body["SequenceNumber"]));
    const places: Record<string, () => number> = {
      LATEST: () => numbers.length,
      TRIM_HORIZON: () => shard.trimmed,
      AT_SEQUENCE_NUMBER: () => numbers.filter((number) => number < wanted).length,
      AFTER_SEQUENCE_NUMBER: () => numbers.filter((number) => number <= wanted).length,
    };
    const type = String(body["ShardIteratorType"]);
    const at = places[type]!();
    if (at < shard.trimmed) return failure("TrimmedDataAccessException");
    const isByNumber = type.endsWith("_SEQUENCE_NUMBER");
    const from = Math.max(shard.trimmed, at - (isByNumber ? (options.repeats?.() ?? 0) : 0));
    if (isByNumber) shard.asked = { place: at, time: performance.now() };
    return { result: { ShardIterator: JSON.stringify([name, shard.id, from, age]) } };
  }

  function getRecords(body: Record<string, unknown>): Misbehaviour {
    const [name, id, at, born] = JSON.parse(String(body["ShardIterator"])) as [
      string,
      string,
      number,
      number,
    ];
    const shard = shardOf(name, id);
    if (shard === undefined || shard.vanished) return failure("ResourceNotFoundException");
    if (born !== age) return failure("ExpiredIteratorException");
    if (at < shard.trimmed) return failure("TrimmedDataAccessException");
    shard.read = Math.max(shard.read, at);
    const empty = emptyEvery > 0 && shard.polls++ % emptyEvery === 0;
    const to = empty ? at : Math.min(shard.records.length, at + Number(body["Limit"] ?? 1000));
    const over = shard.closed && to >= shard.records.length && !empty;
    const next = !over && { NextShardIterator: JSON.stringify([name, id, to, age]) };
    return { result: { Records: shard.records.slice(at, to), ...next } };
  }

  function batchGet(body: Record<string, unknown>): Misbehaviour {
    const requests = body["RequestItems"] as Record<string, { Keys: StandInItem[] }>;
    const [[name, request]] = Object.entries(requests) as [[string, { Keys: StandInItem[] }]];
    return tables.get(name)!.content.batchGet(name, request);
  }

  function streams({ operation, body }: Call): Misbehaviour | undefined {
    const arn = String(body["StreamArn"] ?? "");
    const name = /table\/([^/]+)/.exec(arn)?.[1] ?? String(body["TableName"]);
    if (arn !== "" && arn !== arnOf(name)) return failure("ResourceNotFoundException");
    if (operation === "ListTables")
      return { result: { TableNames: [...tables.keys()].filter((each) => !isDropped(each)).sort() } };
    if (arn === "" && isDropped(name)) return failure("ResourceNotFoundException");
    if (operation === "DescribeTable" && tables.has(name)) return describeTable(name);
    if (operation === "UpdateTable") {
      const { StreamEnabled } = body["StreamSpecification"] as { StreamEnabled: boolean };
      const table = tables.get(name)!;
      // As the service: "Table is already without a stream".
      if (!StreamEnabled && !table.enabled) return failure("ValidationException");
      table.enabled = StreamEnabled;
      if (StreamEnabled && table.shards.every(({ closed }) => closed)) {
        table.shards = [newShard(undefined, [0, 1], 0)];
        table.stream++;
      }
      return { result: {} };
    }
    if (operation === "Scan") return { result: tables.get(name)!.content.scan(body, scanPage) };
    if (operation === "BatchGetItem") return batchGet(body);
    if (operation === "DescribeTimeToLive") return failure("UnknownOperationException");
    if (operation === "DescribeStream") return describeStream(name, body);
    if (operation === "GetShardIterator") return iterator(name, body);
    if (operation === "GetRecords") return getRecords(body);
    return undefined;
  }

  const source = await startStandIn({
    tables: Object.fromEntries(options.tables.map((name) => [name, { items: [] }])),
    answer(call) {
      const own = streams(call) as { result: object } | { error: string; message?: string } | undefined;
      if (own === undefined) return undefined;
      return "error" in own ? failed(own.error, own.message) : success(own.result);
    },
    misbehave: options.misbehave,
  });
  return {
    source,
    right: streams,
    put: (table, item) => set(table, tables.get(table)!.content.textOf(item), item),
    remove: (table, key) => set(table, key, undefined),
    textOf: (table, item) => tables.get(table)!.content.textOf(item),
    model: (table) => tables.get(table)!.content.items,
    open: (table) =>
      tables
        .get(table)!
        .shards.filter(({ closed }) => !closed)
        .map(({ id }) => id),
    isRead(table, id) {
      const { read, records, closed } = shardOf(table, id);
      return read >= records.length + (closed ? 1 : 0);
    },
    asked: (table, id) => shardOf(table, id).asked,
    records: (table, id) => shardOf(table, id).records.length,
    split(table, id, children = 2) {
      const parent = shardOf(table, id);
      parent.closed = true;
      parent.closedAt = Date.now();
      const [from, to] = parent.range;
      const width = (to - from) / children;
      for (let n = 0; n < children; n++) {
        const range: [number, number] = [from + n * width, n === children - 1 ? to : from + (n + 1) * width];
        tables.get(table)!.shards.unshift(newShard(id, range, late()));
      }
    },
    trim(table, id, keep) {
      const shard = shardOf(table, id);
      shard.trimmed = Math.max(0, shard.records.length - keep);
    },
    ancestors,
    vanish: (table, id) => void (shardOf(table, id).vanished = true),
    expire: () => void age++,
    renew: (table) => void tables.get(table)!.stream++,
    remake: (name) => remake(tables.get(name)!),
    create(name) {
      const table = tables.get(name);
      if (table === undefined) return make(name);
      remake(table);
      Object.assign(table, { enabled: options.disabled !== true, dropped: false });
    },
    drop(name) {
      close(tables.get(name)!);
      tables.get(name)!.dropped = true;
    },
    disable(name) {
      close(tables.get(name)!);
      tables.get(name)!.enabled = false;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
