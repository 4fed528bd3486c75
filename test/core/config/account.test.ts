/** The account that a role or an access key's id tells. */
import { expect, test } from "bun:test";
import { accountOf } from "../../../core/config/account.ts";

// In two parts, so that nobody takes them for real ones.
test.each([
  ["a role", "arn:aws:iam::123456789012:role/reader", "", "123456789012"],
  ["a role elsewhere", "arn:aws-cn:iam::210987654321:role/a/b", `AKIA${"Y34FZKBOKMUTVV7A"}`, "210987654321"],
  ["a temporary key", "", `ASIA${"Y34FZKBOKMUTVV7A"}`, "609629065308"],
  ["a key whose account begins with a zero", "", `AKIA${"QYLPMN5HHHFPZAM2"}`, "052310077262"],
  ["an older key", "", `AKIA${"IOSFODNN7EXAMPLE"}`, undefined],
  ["another service's key", "", "minioadmin", undefined],
  ["nothing", "", "", undefined],
])("%s", (_, role, key, account) => {
  expect(accountOf(role, key)).toBe(account);
});
