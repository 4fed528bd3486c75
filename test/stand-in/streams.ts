/**
 * A source whose tables have streams with a scripted life: shards split and rotate, children show up late, records are
 * trimmed, iterators expire. It stands on the stand-in of the tables, whose misbehaviours apply here too.
 */
import { type Call, type Misbehaviour, type StandIn, type StandInItem, startStandIn } from "./dynamodb.ts";

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
  /** The part of the keys' hashes it owns: from, to. */
  range: [number, number];
  records: StreamRecord[];
  /** Records before this place are gone. */
  trimmed: number;
  /** So many records were asked past; one more, and its children were asked for. */
  read: number;
  /** How often it was asked. */
  polls: number;
  /** Listed from then on, in ms since 1970. */
  listedAt: number;
  vanished: boolean;
}

/** What {@link startStreams} takes. */
export interface StreamsOptions {
  /** Names of the tables, all with the key `pk` of type S. */
  tables: string[];
  misbehave?: (call: Call) => Misbehaviour | undefined;
  /** Shards of one DescribeStream answer. */
  page?: number;
  /** What CHILD_SHARDS does. */
  childFilter?: "works" | "ignored" | "refused";
  /** Every so-many-th GetRecords answer of a shard is empty, whatever there is. */
  emptyEvery?: number;
  /** Children are listed so late, in ms. */
  childrenAfter?: number;
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
  remove(table: string, pk: string): void;
  /** What is there now, by key. */
  model(table: string): Map<string, StandInItem>;
  /** The open shards' identifiers. */
  open(table: string): string[];
  /** Whether all that a shard has was read, its end too: who goes on from there, or asks for its children, has it. */
  isRead(table: string, shard: string): boolean;
  /** Closes a shard; so many children follow it. */
  split(table: string, shard: string, children?: number): void;
  /** Takes away a shard's oldest records, all but so many. */
  trim(table: string, shard: string, keep: number): void;
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
  items: StandInItem[];
  byKey: Map<string, StandInItem>;
  shards: ShardScript[];
  stream: number;
  /** How often it was made. */
  made: number;
  enabled: boolean;
  dropped: boolean;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const { page = 100, childFilter = "works", emptyEvery = 0, childrenAfter = 0, view = VIEW } = options;
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
      range,
      records: [],
      trimmed: 0,
      read: 0,
      polls: 0,
    };
    return { ...shard, listedAt: Date.now() + late, vanished: false };
  }

  function make(name: string): void {
    const shards = [newShard(undefined, [0, 0.5], 0), newShard(undefined, [0.5, 1], 0)];
    const enabled = options.disabled !== true;
    tables.set(name, { items: [], byKey: new Map(), shards, stream: 1, made: 1, enabled, dropped: false });
  }
  for (const name of options.tables) make(name);

  function remake(table: Table): void {
    table.items.length = 0;
    table.byKey.clear();
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
    table: Table,
    pk: string,
    before: StandInItem | undefined,
    after: StandInItem | undefined,
  ): void {
    const hash = Number(Bun.hash.crc32(pk)) / 2 ** 32;
    const shard = table.shards.find(({ closed, range }) => !closed && hash >= range[0] && hash < range[1]);
    // Its stream is disabled.
    if (shard === undefined) return;
    sequence += BigInt(1 + (Number(sequence) % 3));
    shard.records.push({
      eventName: after === undefined ? "REMOVE" : before === undefined ? "INSERT" : "MODIFY",
      dynamodb: {
        ApproximateCreationDateTime: Date.now() / 1000,
        Keys: { pk: { S: pk } },
        ...(after && { NewImage: after }),
        ...(before && { OldImage: before }),
        SequenceNumber: String(sequence),
      },
    });
  }

  function set(name: string, pk: string, item: StandInItem | undefined): void {
    const table = tables.get(name)!;
    const before = table.byKey.get(pk);
    if (item === undefined) table.byKey.delete(pk);
    else table.byKey.set(pk, item);
    table.items.splice(0, table.items.length, ...table.byKey.values());
    if (before !== undefined || item !== undefined) record(table, pk, before, item);
  }

  const shardOf = (name: string, id: string): ShardScript =>
    tables.get(name)!.shards.find((shard) => shard.id === id)!;
  const isDropped = (name: string): boolean => tables.get(name)?.dropped === true;

  const failure = (error: string, message?: string): Misbehaviour => ({ error, ...(message && { message }) });

  function describeTable(name: string): Misbehaviour {
    const { enabled, made } = tables.get(name)!;
    const Table = {
      TableName: name,
      TableId: `id-of-${name}-${made}`,
      TableStatus: "ACTIVE",
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
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
    let shards = tables.get(name)!.shards.filter((shard) => !shard.vanished && shard.listedAt <= Date.now());
    if (filter) {
      const { ShardId: id } = filter;
      shardOf(name, id).read = Infinity;
      shards = shards.filter((shard) => (childFilter === "works" ? shard.parent === id : shard.id === id));
    }
    const after = body["ExclusiveStartShardId"];
    const from = after === undefined ? 0 : shards.findIndex(({ id }) => id === after) + 1;
    const some = shards.slice(from, from + page);
    const Shards = some.map(({ id, parent, first, closed, records }) => ({
      ShardId: id,
      ...(parent && { ParentShardId: parent }),
      SequenceNumberRange: {
        StartingSequenceNumber: String(first),
        ...(closed && { EndingSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber ?? String(first) }),
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
    const at = places[String(body["ShardIteratorType"])]!();
    if (at < shard.trimmed) return failure("TrimmedDataAccessException");
    return { result: { ShardIterator: JSON.stringify([name, shard.id, at, age]) } };
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

  /** What is there now, in one page. */
  function scan(name: string, body: Record<string, unknown>): Misbehaviour {
    const [count, segment] = [Number(body["TotalSegments"] ?? 1), Number(body["Segment"] ?? 0)];
    const all = [...tables.get(name)!.byKey];
    const Items = all.filter(([pk]) => Bun.hash.crc32(pk) % count === segment).map(([, item]) => item);
    return { result: { Items, Count: Items.length, ScannedCount: Items.length } };
  }

  /** Every other key is left unprocessed at first. */
  function batchGet(body: Record<string, unknown>): Misbehaviour {
    const [[name, { Keys, ProjectionExpression }]] = Object.entries(body["RequestItems"] as object) as [
      [string, { Keys: { pk: { S: string } }[]; ProjectionExpression?: string }],
    ];
    const some = Keys.length > 1 ? Keys.filter((_, i) => i % 2 === 0) : Keys;
    const there = some.filter(({ pk }) => tables.get(name)!.byKey.has(pk.S));
    const found = ProjectionExpression ? there : there.map(({ pk }) => tables.get(name)!.byKey.get(pk.S));
    const left = Keys.filter((key) => !some.includes(key));
    const UnprocessedKeys = left.length > 0 ? { [name]: { Keys: left } } : {};
    return { result: { Responses: { [name]: found }, UnprocessedKeys } };
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
    if (operation === "Scan") return scan(name, body);
    if (operation === "BatchGetItem") return batchGet(body);
    if (operation === "DescribeTimeToLive") return failure("UnknownOperationException");
    if (operation === "DescribeStream") return describeStream(name, body);
    if (operation === "GetShardIterator") return iterator(name, body);
    if (operation === "GetRecords") return getRecords(body);
    return undefined;
  }

  const source = await startStandIn({
    tables: Object.fromEntries([...tables].map(([name, { items }]) => [name, { items }])),
    misbehave(call) {
      const wrong = options.misbehave?.(call);
      // Only the tables' own answers can be cut in their midst.
      if (wrong === "cut" && streams(call) !== undefined) return "hang up";
      return wrong ?? streams(call);
    },
  });
  return {
    source,
    right: streams,
    put: (table, item) => set(table, (item["pk"] as { S: string }).S, item),
    remove: (table, pk) => set(table, pk, undefined),
    model: (table) => tables.get(table)!.byKey,
    open: (table) =>
      tables
        .get(table)!
        .shards.filter(({ closed }) => !closed)
        .map(({ id }) => id),
    isRead(table, id) {
      const { read, records, closed } = shardOf(table, id);
      return read >= records.length + (closed ? 1 : 0);
    },
    split(table, id, children = 2) {
      const parent = shardOf(table, id);
      parent.closed = true;
      const [from, to] = parent.range;
      const width = (to - from) / children;
      for (let n = 0; n < children; n++) {
        const range: [number, number] = [from + n * width, n === children - 1 ? to : from + (n + 1) * width];
        tables.get(table)!.shards.unshift(newShard(id, range, childrenAfter));
      }
    },
    trim(table, id, keep) {
      const shard = shardOf(table, id);
      shard.trimmed = Math.max(0, shard.records.length - keep);
    },
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
