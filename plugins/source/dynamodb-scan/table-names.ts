/** Which of the source's tables are migrated: `filter.collection.white` and `.black`, whose names may have `*`. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { nearestTo } from "../../../core/config/nearest.ts";
import type { Config } from "../../../core/config/config.ts";
import { MigrationError } from "../../../core/errors.ts";
import { createPattern, type Pattern } from "../../_patterns.ts";

/** The tables that the white list names, when it says all: nothing need be listed then. */
export function namedTables(config: Config): string[] | undefined {
  const white = patternsOf(config, "white");
  if (white.length === 0 || !white.every(({ isName }) => isName)) return undefined;
  return [...new Set(white.map(({ text }) => text))];
}

/**
 * What the lists leave of the source's tables.
 *
 * @param place whose tables they are
 * @param warn is told of what the black list names in vain
 * @param refuse is told what the white list names in vain; default: it is thrown
 * @throws MigrationError TABLE_MISSING
 */
export function selectTables(
  names: string[],
  config: Config,
  place: string,
  warn: (message: string) => void,
  refuse: (error: MigrationError) => void = (error) => {
    throw error;
  },
): string[] {
  const white = patternsOf(config, "white");
  const black = patternsOf(config, "black");
  const missing = white.filter((pattern) => !names.some((name) => pattern.match(name)));
  if (missing.length > 0) {
    refuse(
      missingTables(
        missing.map(({ text }) => text),
        names,
        place,
      ),
    );
  }
  for (const pattern of black) {
    if (names.some((name) => pattern.match(name))) continue;
    const nearest = pattern.isName ? nearestTo(pattern.text, names) : undefined;
    const meant = nearest === undefined ? "" : `; the nearest is ${nearest}`;
    warn(`filter.collection.black: the source has no table ${pattern.text}${meant}`);
  }
  const isIn = (patterns: Pattern[], name: string): boolean => patterns.some((each) => each.match(name));
  return names.filter((name) => (white.length === 0 || isIn(white, name)) && !isIn(black, name));
}

/** The same for who looks again: what is named in vain was said at the start. */
export function selectQuietly(names: string[], config: Config): string[] {
  const quiet = (): void => {};
  return selectTables(names, config, "", quiet, quiet);
}

/**
 * The error for what the white list names in vain.
 *
 * @param names those that are there; undefined: they can't be listed
 */
export function missingTables(missing: string[], names: string[] | undefined, place: string): MigrationError {
  const what = `the source has no table ${missing.join(", ")}: filter.collection.white`;
  return new MigrationError("TABLE_MISSING", what, {
    hint:
      names === undefined
        ? `check the names, source.region and source.endpoint_url: asked was ${place.replace(/,$/, "")}`
        : `${place} has ${names.length === 0 ? "no tables at all" : shortList(names)}`,
  });
}

/** The error for lists that leave nothing. */
export function noTable(listed: string[], place: string): MigrationError {
  if (listed.length === 0) {
    return new MigrationError("TABLE_MISSING", `there is no table to migrate: ${place} has none`, {
      hint: "check source.region, source.endpoint_url, and whose account the credentials are of",
    });
  }
  const what = `there is no table to migrate: ${place} has ${shortList(listed)}, and filter.collection.black has all of them`;
  return new MigrationError("TABLE_MISSING", what, { hint: "take a table off filter.collection.black" });
}

/** Which tables there are depends on it. */
export async function placeOf(client: DynamoDBClient, config: Config): Promise<string> {
  const region = await client.config.region();
  return `${config["source.endpoint_url"] || "AWS"}, region ${region},`;
}

const patternsOf = (config: Config, list: "white" | "black"): Pattern[] =>
  config[`filter.collection.${list}`].map(createPattern);

function shortList(names: string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
