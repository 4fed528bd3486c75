/** A collection's indexes and UUID, in the form of mongodump's `<table>.metadata.json`. */
import { randomUUID } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { BSON, type Document } from "mongodb";
import { indexNames } from "../../../core/schema/indexes.ts";
import type { TargetIndex } from "../../../core/types.ts";
import { isMissing } from "./disk.ts";

const INDEX_VERSION = '"v":{"$numberInt":"2"}';
const ASCENDING = '{"$numberInt":"1"}';
const ID_INDEX = `{${INDEX_VERSION},"key":{"_id":${ASCENDING}},"name":"_id_"}`;

/** A UUID as mongodump writes them: 32 hexadecimal digits. */
export function newUuid(): string {
  return randomUUID().replaceAll("-", "");
}

/**
 * A collection's metadata as canonical extended JSON. It is put together as text: no object keeps the order of every
 * name (`"2"`, `"1"`) or takes every name (`__proto__`).
 */
export function metadataText(collection: string, uuid: string, indexes: TargetIndex[]): string {
  const names = indexNames(indexes);
  const all = [ID_INDEX, ...indexes.map((index, i) => indexText(index, names[i]!))].join(",");
  const name = JSON.stringify(collection);
  return `{"indexes":[${all}],"uuid":"${uuid}","collectionName":${name},"type":"collection","options":{}}`;
}

function indexText(index: TargetIndex, name: string): string {
  const fields = index.fields.map(
    ({ path, kind }) => `${JSON.stringify(path)}:${kind === "hashed" ? '"hashed"' : ASCENDING}`,
  );
  const unique = index.unique ? '"unique":true,' : "";
  return `{${INDEX_VERSION},${unique}"key":{${fields.join(",")}},"name":${JSON.stringify(name)}}`;
}

/** The indexes in a metadata file, as a server lists them; none without one that can be understood. */
export async function indexesIn(path: string): Promise<Document[]> {
  const { indexes } = await metadataIn(path);
  return Array.isArray(indexes)
    ? (indexes as Document[]).filter((each) => typeof each?.["key"] === "object")
    : [];
}

/** The UUID in a metadata file; undefined without such a file, or in one that can't be understood. */
export async function uuidInMetadata(path: string): Promise<string | undefined> {
  const { uuid } = await metadataIn(path);
  return typeof uuid === "string" ? uuid : undefined;
}

async function metadataIn(path: string): Promise<Record<string, unknown>> {
  const found = await text(path);
  try {
    const parsed: unknown = BSON.EJSON.parse(found ?? "{}");
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A file's text without blanks around it; undefined when there is no file. */
export async function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").then(
    (found) => found.trim(),
    (error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    },
  );
}

/** Tells a file from another that takes its place, where there is nothing better. */
export async function fileIdentity(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `file ${ino} ${size} ${Math.floor(mtimeMs)}`;
}
