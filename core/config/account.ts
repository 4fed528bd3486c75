/** Whose tables are read, as far as that can be told without asking anybody. */

const ROLE = /^arn:[\w-]+:iam::(\d{12}):/;
/** Keys of users and of roles, since their ids have the account in them; older ones begin with I or J there. */
const KEY = /^A[KS]IA([Q-Z2-7][A-Z2-7]{9})/;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BITS = 5n;
/** Of the 50 bits of ten letters one is before the account, and so many behind it. */
const BEHIND = 9n;
const ACCOUNT = (1n << 40n) - 1n;

/** The account of a role to be assumed, else of an access key; undefined: neither says it. */
export function accountOf(role: string, accessKeyId: string): string | undefined {
  const byRole = ROLE.exec(role)?.[1];
  if (byRole !== undefined) return byRole;
  const letters = KEY.exec(accessKeyId)?.[1];
  if (letters === undefined) return undefined;
  const all = [...letters].reduce((sum, letter) => (sum << BITS) | BigInt(BASE32.indexOf(letter)), 0n);
  return String((all >> BEHIND) & ACCOUNT).padStart(12, "0");
}
