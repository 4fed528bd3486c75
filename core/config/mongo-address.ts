/** What a MongoDB connection string must be before anybody may parse it: half a password must not become a host. */

const SCHEME = /^mongodb(?:\+srv)?:\/\/(?=.)/;
/** They separate an address's parts. */
const SEPARATOR = /[:/?#[\]]/;
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i;
const ENCODED = "@ is written %40, : %3A, / %2F, ? %3F, # %23, % %25, [ %5B, ] %5D";

/**
 * What is wrong with an address, without a part of it; undefined: it can be parsed, and the driver has the last word.
 *
 * @example
 * addressProblem("mongodb://me:p@ss@host") // "has more than one @: …"
 */
export function addressProblem(address: string): string | undefined {
  const scheme = SCHEME.exec(address)?.[0];
  if (scheme === undefined) return "must start with mongodb:// or mongodb+srv://";
  const [userinfo = "", host, ...more] = address.slice(scheme.length).split("@");
  if (host === undefined) return undefined;
  if (more.length > 0) return `has more than one @: in a user's name or password ${ENCODED}`;
  const colon = userinfo.indexOf(":");
  const parts = colon < 0 ? [userinfo] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  if (parts.some((part) => SEPARATOR.test(part) || BAD_ESCAPE.test(part)))
    return `has a character before the @ that must be percent-encoded: in a user's name or password ${ENCODED}`;
  return undefined;
}

/** The hosts in an address, with their ports where it has them: `db1:27017,db2:27017`. No credentials, no options. */
export function hostsOf(address: string): string {
  const [, hosts = ""] = /^mongodb(?:\+srv)?:\/\/(?:[^]*@)?([^/?]*)/.exec(address) ?? [];
  return hosts;
}
