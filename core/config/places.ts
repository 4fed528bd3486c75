/** Where a migration reads, writes and keeps its positions, in words: for the first line of a run, `status` and the page. */
import type { Config } from "./config.ts";
import { redactValue } from "./redact.ts";

/** The three places, without credentials. */
export interface Places {
  /** Endpoint or AWS, and the region. */
  source: string;
  /** Host and database, or the folder. */
  target: string;
  checkpoint: string;
}

/** As the configuration says; nobody is asked. */
export function describePlaces(config: Config): Places {
  const endpoint = config["source.endpoint_url"];
  const region = config["source.region"];
  const source = [endpoint === "" ? "AWS" : redactValue("source.endpoint_url", endpoint), region]
    .filter((part) => part !== "")
    .join(", ");
  const target = redactValue("target.address", config["target.address"]);
  const checkpoint = redactValue("checkpoint.address", config["checkpoint.address"]);
  return {
    source,
    target: config["target.type"] === "mongodb" ? `${target}, database ${config.id}` : target,
    checkpoint: `${checkpoint || "files"}, ${config["checkpoint.db"]}`,
  };
}
