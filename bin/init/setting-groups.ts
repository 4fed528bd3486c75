/** The keys of the configuration by what they are about: for the file that is written, and for the documentation. */
import type { Setting } from "../../core/config/settings.ts";

/** What the keys are about, by how they begin, in the order of the file. */
const GROUPS: readonly [title: string, keys: RegExp][] = [
  ["the migration", /^(conf\.version|id|sync_mode|sync_schema_only)$/],
  ["the source", /^source\./],
  ["which tables, and which items", /^(filter\.|full\.read\.filter)/],
  ["the target", /^target\./],
  ["how values are converted", /^convert\./],
  ["the full phase", /^(qps\.full|full\.|verify\.)/],
  ["the incremental phase", /^(qps\.incr|increase\.|incr_sync_parallel|on_gap)/],
  ["the checkpoint", /^checkpoint\./],
  [
    "log, report and status ports",
    /^(log\.|report\.|full_sync\.|incr_sync\.|http\.|system_profile|pid_path)/,
  ],
  ["plugins", /^plugins$/],
  ["others", /(?:)/],
];

/** Settings by group, in the order of the file; groups without any are left out. */
export function groupSettings(settings: readonly Setting[]): [title: string, settings: Setting[]][] {
  const titleOf = ({ key }: Setting): string => GROUPS.find(([, keys]) => keys.test(key))![0];
  return GROUPS.map(([title]): [string, Setting[]] => [
    title,
    settings.filter((setting) => titleOf(setting) === title),
  ]).filter(([, some]) => some.length > 0);
}
