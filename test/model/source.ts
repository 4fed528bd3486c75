/** A table and its stream that somebody writes to: shards split, come late in listings, and expire, as the service's do. */
import type { Item, Shard } from "../../core/types.ts";
import type { Chance } from "./chance.ts";

const SECOND = 1000;
/** Records are kept so long. */
export const KEEPS: number = 24 * 3600 * SECOND;
/** Items have one of so many keys. */
export const KEYS = 24;
/** A shard is listed up to so long after it was made. */
const LISTED_AFTER = 4 * SECOND;
/** Those that follow the same one are listed within this time. */
const TOGETHER = 0.3 * SECOND;
/** A listing leaves out so many of a hundred shards. */
const LEFT_OUT = 10;
/** A record is shown up to so long after the change. */
const SHOWN_AFTER = 0.4 * SECOND;

/** A record of the stream. */
export interface Change {
  number: number;
  key: number;
  /** Undefined: the item was deleted. */
  item: Item | undefined;
  isNew: boolean;
  at: number;
  shownAt: number;
}

/** A shard, with all that was ever in it. */
export interface SourceShard {
  id: string;
  stream: string;
  parent: string | undefined;
  /** The keys whose changes go into it: from, and below. */
  keys: [number, number];
  first: number;
  changes: Change[];
  listedAt: number;
  closed: { at: number; last: number } | undefined;
}

/** See the top of the file. */
export interface SourceTable {
  readonly items: ReadonlyMap<number, Item>;
  readonly stream: string;
  /** Writes an item of a key, or deletes it. */
  write(key: number, isDelete: boolean): void;
  /** Ends an open shard; one or two follow it. */
  split(which: number): void;
  /** Disables the stream, and enables it anew: its shards end without others that follow them. */
  renew(): void;
  /** The shards that a listing of a stream has now. */
  list(stream: string): Shard[];
  /** Leaves out some of them, none twice within a minute. */
  listWithHoles(stream: string): Shard[];
  /** A shard as it is now; undefined: it is gone. */
  shard(id: string): SourceShard | undefined;
  /** How many of a shard's records are gone. */
  expired(shard: SourceShard): number;
}

/** An item as the source has it. */
export const itemOf = (key: number, value: number): Item => ({
  pk: { S: `k${key}` },
  v: { N: String(value) },
});

/** Makes one with items of some keys. */
export function createSource(chance: Chance, now: () => number, keys: readonly number[]): SourceTable {
  const items = new Map<number, Item>();
  let values = 0;
  let numbers = 100;
  let made = 0;
  let streams = 0;
  const shards: SourceShard[] = [];
  const streamNow = (): string => `stream${streams}`;
  for (const key of keys) items.set(key, itemOf(key, values++));

  function open(keys: [number, number], parent: string | undefined, listedAt: number): void {
    const id = `s${made++}`;
    const first = numbers++;
    shards.push({ id, stream: streamNow(), parent, keys, first, changes: [], listedAt, closed: undefined });
  }

  function begin(): void {
    streams++;
    const middle = KEYS / 2;
    if (chance.percent(50)) open([0, KEYS], undefined, now());
    else
      for (const range of [
        [0, middle],
        [middle, KEYS],
      ] as const)
        open([...range], undefined, now());
  }
  begin();
  /** When shards were left out. */
  const leftOut = new Map<string, number>();

  const openShards = (): SourceShard[] => shards.filter(({ closed }) => closed === undefined);
  const isGone = ({ closed }: SourceShard): boolean => closed !== undefined && now() - closed.at > KEEPS;

  function list(stream: string): Shard[] {
    const listed = shards.filter(
      (shard) => shard.stream === stream && shard.listedAt <= now() && !isGone(shard),
    );
    return listed.map(({ id, parent, first, closed }) => ({
      id,
      ...(parent !== undefined && { parent }),
      first: String(first),
      ...(closed && { last: String(closed.last) }),
    }));
  }

  return {
    items,
    get stream() {
      return streamNow();
    },
    write(key, isDelete) {
      const shard = openShards().find(({ keys: [from, below] }) => key >= from && key < below)!;
      const item = isDelete ? undefined : itemOf(key, values++);
      const isNew = !items.has(key);
      // What deletes nothing is no change.
      if (isDelete && isNew) return;
      if (item === undefined) items.delete(key);
      else items.set(key, item);
      const before = shard.changes.at(-1)?.shownAt ?? 0;
      const shownAt = Math.max(before, now() + chance.below(SHOWN_AFTER));
      shard.changes.push({ number: numbers++, key, item, isNew, at: now(), shownAt });
    },
    split(which) {
      const all = openShards();
      const shard = all[which % all.length]!;
      const [from, below] = shard.keys;
      shard.closed = { at: now(), last: numbers++ };
      const middle = Math.ceil((from + below) / 2);
      const isOne = middle === below || chance.percent(50);
      const listedAt = now() + chance.below(LISTED_AFTER);
      for (const range of isOne
        ? [shard.keys]
        : [
            [from, middle],
            [middle, below],
          ]) {
        open([range[0]!, range[1]!], shard.id, listedAt + chance.below(TOGETHER));
      }
    },
    renew() {
      for (const shard of openShards()) shard.closed = { at: now(), last: numbers++ };
      begin();
    },
    list,
    listWithHoles(stream) {
      const listed = list(stream);
      const mayBe = ({ id }: Shard): boolean => now() - (leftOut.get(id) ?? 0) > 60 * SECOND;
      const there = listed.filter((shard) => !mayBe(shard) || !chance.percent(LEFT_OUT));
      // A stream that has shards always shows some.
      if (there.length === 0) return listed;
      for (const shard of listed) if (!there.includes(shard)) leftOut.set(shard.id, now());
      return there;
    },
    shard(id) {
      const shard = shards.find((each) => each.id === id);
      return shard === undefined || isGone(shard) ? undefined : shard;
    },
    expired: ({ changes }) => changes.filter(({ at }) => now() - at > KEEPS).length,
  };
}
