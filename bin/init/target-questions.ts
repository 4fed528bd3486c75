/** What is to be done with the tables, and where they go. */
import type { Config, SettingKey } from "../../core/config/config.ts";
import { addressProblem } from "../../core/config/mongo-address.ts";
import { DEFAULTS } from "../../core/config/settings.ts";
import { askKey, type Dialogue } from "./dialogue.ts";
import { withPassword } from "./mongo-password.ts";

/** What is asked again when the target is to be corrected. */
export const TARGET_KEYS: readonly SettingKey[] = ["target.type", "target.address"];

/** Asks for the mode. */
export async function askMode({ ask, texts }: Dialogue): Promise<void> {
  texts.sync_mode ??= await ask.select<Config["sync_mode"]>({
    message: "What is to be done?",
    choices: [
      { value: "all", label: "copy, then follow the changes", hint: "until the switch-over" },
      { value: "full", label: "copy once" },
      { value: "incr", label: "follow the changes only" },
    ],
  });
}

/** Asks what the target is, and where. */
export async function askTarget(dialogue: Dialogue): Promise<void> {
  const { ask, texts } = dialogue;
  texts["target.type"] ??= await ask.select<Config["target.type"]>({
    message: "Where to?",
    choices: [
      { value: "mongodb", label: "MongoDB" },
      {
        value: "aliyun_dynamo_proxy",
        label: "what speaks DynamoDB's protocol",
        hint: "DynamoDB, or a proxy before MongoDB",
      },
      // What only makes files has nothing to follow with.
      ...(texts.sync_mode === "full"
        ? [{ value: "file", label: "a folder that mongorestore reads" } as const]
        : []),
    ],
  });
  await askKey(dialogue, "id", {
    message: "The migration's name, which is also that of the database",
    initial: DEFAULTS.id,
  });
  if (texts["target.type"] === "mongodb") texts["target.address"] ??= await askMongo(dialogue);
  else if (texts["target.type"] === "file")
    await askKey(dialogue, "target.address", { message: "The folder", initial: "./dump" });
  else await askKey(dialogue, "target.address", { message: "Its address", initial: "http://127.0.0.1:8000" });
}

async function askMongo({ ask }: Dialogue): Promise<string> {
  const address = await ask.text({
    message: "Its connection string; a user's password is asked for afterwards",
    placeholder: "mongodb://user@host:27017/?replicaSet=rs0",
    validate: (answer) => (answer === "" ? "it is needed" : addressProblem(answer)),
  });
  return withPassword(address, (user) =>
    ask.password({ message: `The password of ${user}`, isNeeded: false }),
  );
}
