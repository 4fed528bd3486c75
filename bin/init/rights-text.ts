/** What a configuration needs at both sides, for somebody who may grant it. */
import type { Config } from "../../core/config/config.ts";
import { type NamedPolicy, REASONS, sourcePolicies, targetPolicy } from "./iam-policy.ts";
import { mongoRoles, mongoshText, ROLE_REASONS } from "./mongodb-role.ts";

/** All of it; lines that begin with `#` are for people. */
export function rightsText(config: Config): string {
  const target = targetPolicy(config);
  const policies = [...sourcePolicies(config), ...(target === undefined ? [] : [target])];
  const parts = [
    ...(policies.length > 0
      ? policies.map(policyText)
      : [`# The source is not at AWS: it needs no policy of IAM.`]),
    ...mongoRoles(config).map((role) =>
      [
        `# The role of the migration ${config.id} at ${role.at}: for mongosh, typed by a user administrator.`,
        ...reasons(
          ROLE_REASONS,
          role.privileges.flatMap(({ actions }) => actions),
        ),
        mongoshText(role),
      ].join("\n"),
    ),
    ...(config.plugins.length > 0
      ? ["# Plugins are in use: what they need, and tables that they rename, isn't in here."]
      : []),
  ];
  return parts.join("\n\n");
}

function policyText({ whose, policy, reasons: why = REASONS }: NamedPolicy): string {
  const actions = policy.Statement.flatMap(({ Action }) => Action.map((action) => action.split(":")[1]!));
  return [
    `# A policy of IAM for ${whose}; a * among the account's or region's numbers may be replaced by yours.`,
    ...reasons(why, actions),
    JSON.stringify(policy, undefined, 2),
  ].join("\n");
}

function reasons(known: Readonly<Record<string, string>>, actions: readonly string[]): string[] {
  const named = [...new Set(actions)].filter((action) => known[action] !== undefined);
  return named.map((action) => `#   ${action}: ${known[action]}`);
}
