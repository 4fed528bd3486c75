/** A sample as it is typed, for every option that takes one. */
import type { Sample } from "../../core/verify/sample.ts";
import { usage } from "./options.ts";

/** `1000`, so many items of each table, or `5%`, a share of them. @throws MigrationError USAGE */
export function parseSample(option: string, text: string): Sample {
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const percent = Number(share?.[1]);
  if (share !== null && percent > 0 && percent <= 100) return { share: percent / 100 };
  if (/^[1-9]\d{0,8}$/.test(text)) return { count: Number(text) };
  throw usage(
    `--${option} ${text} is no sample`,
    "give a number of items from 1, or a share such as 5%, up to 100%",
  );
}
