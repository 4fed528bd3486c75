/** Where the tables are, with which credentials, and which of them. */
import type { SettingKey } from "../../core/config/config.ts";
import type { Table } from "../../core/types.ts";
import { formatShort, formatSize } from "../format.ts";
import { askKey, type Dialogue } from "./dialogue.ts";

/** What {@link askSource} asks for. */
export const SOURCE_KEYS: readonly SettingKey[] = [
  "source.endpoint_url",
  "source.region",
  "source.profile",
  "source.role_arn",
  "source.access_key_id",
  "source.secret_access_key",
  "source.session_token",
];

/** Asks where they are, and how they are reached. */
export async function askSource(dialogue: Dialogue): Promise<void> {
  const { ask, texts } = dialogue;
  if (texts["source.endpoint_url"] === undefined && texts["source.region"] === undefined) {
    const where = await ask.select({
      message: "Where are the tables?",
      choices: [
        { value: "aws", label: "AWS" },
        { value: "other", label: "elsewhere", hint: "DynamoDB Local, or what else has its protocol" },
      ],
    });
    if (where === "other")
      await askKey(dialogue, "source.endpoint_url", {
        message: "Its address",
        initial: "http://127.0.0.1:8000",
      });
    else {
      const initial = process.env["AWS_REGION"] ?? "us-east-1";
      await askKey(dialogue, "source.region", { message: "Their region", initial });
    }
  }
  // Another server looks at no credentials.
  if (texts["source.endpoint_url"] === undefined) await askCredentials(dialogue);
  if (texts["source.access_key_id"] !== undefined) await askSecrets(dialogue);
}

async function askCredentials(dialogue: Dialogue): Promise<void> {
  const known: SettingKey[] = ["source.profile", "source.access_key_id", "source.role_arn"];
  if (known.some((key) => dialogue.texts[key] !== undefined)) return;
  const how = await dialogue.ask.select({
    message: "With which credentials?",
    choices: [
      {
        value: "chain",
        label: "what the AWS SDK finds",
        hint: "environment, instance role, default profile",
      },
      { value: "profile", label: "a profile of the AWS configuration files" },
      { value: "keys", label: "keys", hint: "they are written to the file" },
    ],
  });
  if (how === "profile") await askKey(dialogue, "source.profile", { message: "The profile's name" });
  if (how === "keys") await askKey(dialogue, "source.access_key_id", { message: "The access key" });
}

/** What belongs to an access key; temporary ones begin with ASIA. */
async function askSecrets({ ask, texts }: Dialogue): Promise<void> {
  texts["source.secret_access_key"] ??= await ask.password({ message: "Its secret", isNeeded: true });
  if (!texts["source.access_key_id"]?.startsWith("ASIA")) return;
  const message = "The session token of these temporary keys";
  texts["source.session_token"] ??= await ask.password({ message, isNeeded: true });
}

/**
 * Asks which of the tables.
 *
 * @param tables undefined: nobody can list them
 */
export async function askTables(dialogue: Dialogue, tables: Table[] | undefined): Promise<void> {
  const { ask, texts } = dialogue;
  if (texts["filter.collection.white"] !== undefined || texts["filter.collection.black"] !== undefined)
    return;
  if (tables === undefined || tables.length === 0) {
    const message = "Which tables? Names such as a;b*, or nothing for all";
    return askKey(dialogue, "filter.collection.white", { message, optional: true });
  }
  if (await ask.confirm({ message: `All ${tables.length} tables?`, initial: true })) return;
  const chosen = await ask.several({
    message: "Which tables?",
    choices: tables.map(({ name, itemCount, sizeBytes }) => ({
      value: name,
      label: name,
      hint: `${formatShort(itemCount)} items, ${formatSize(sizeBytes)}`,
    })),
  });
  texts["filter.collection.white"] = chosen.join(";");
}

/** What the source has, in words. */
export function tellTables(tables: Table[]): string {
  const bytes = tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `the source answers: ${tables.length} tables, ${formatSize(bytes)}`;
}
