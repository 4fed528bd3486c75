/** The part of the parser's types that is needed here: it has none of its own. */
declare module "parse-prometheus-text-format" {
  /** A metric, and its values as they were written. */
  interface ParsedFamily {
    name: string;
    type: string;
    metrics: { value: string; labels?: Record<string, string> }[];
  }
  /** Parses a text; throws what it can't understand. */
  export default function parsePrometheusTextFormat(text: string): ParsedFamily[];
}
