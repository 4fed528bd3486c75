/** Why a server's certificate is refused, and what to do about it: each runtime and driver has its own words. */

/** A certificate that is refused. */
export interface CertificateProblem {
  /** In the user's words, of the server: `its certificate has expired`. */
  why: string;
  kind: "client" | "expired" | "early" | "name" | "untrusted";
}

/** Who isn't reached shows no certificate, whatever the host is called. */
const NOT_REACHED =
  /\bE(?:NOTFOUND|AI_AGAIN|CONN[A-Z]+|TIMEDOUT|HOSTUNREACH|NETUNREACH)\b|timed out|interrupted/;

const KINDS: readonly (CertificateProblem & { words: RegExp })[] = [
  {
    // An alert is what the server says.
    words: /(?:\b|_)alert[ _](?:[a-z]+[ _])?(?:certificate|unknown[ _]ca)|CERTIFICATE_REQUIRED/i,
    why: "it refuses this side's certificate, or asks for one",
    kind: "client",
  },
  {
    words: /CERT_HAS_EXPIRED|certificate (?:has )?expired|: Expired/i,
    why: "its certificate has expired",
    kind: "expired",
  },
  {
    words: /CERT_NOT_YET_VALID|certificate is not yet valid|NotValidYet/i,
    why: "its certificate isn't valid yet",
    kind: "early",
  },
  {
    words: /ALTNAME_INVALID|does not match certificate|NotValidForName/i,
    why: "its certificate is for another name",
    kind: "name",
  },
  {
    words: /certificate|_CERT\b|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/i,
    why: "its certificate isn't trusted",
    kind: "untrusted",
  },
];

/** What an error's names, codes and messages say of a certificate; undefined: it isn't about one. */
export function certificateProblem(text: string): CertificateProblem | undefined {
  if (NOT_REACHED.test(text)) return undefined;
  const found = KINDS.find(({ words }) => words.test(text));
  return found && { why: found.why, kind: found.kind };
}

/**
 * What the user can do.
 *
 * @param key the setting that gives the address
 * @param trust how a certificate of one's own is trusted
 * @param show how this side's certificate is given; default: it can't be
 */
export function certificateHint(
  { kind }: CertificateProblem,
  key: string,
  trust: string,
  show = `let the server in ${key}, or the proxy before it, ask for none: none can be given`,
): string {
  switch (kind) {
    case "client":
      return show;
    case "expired":
    case "early":
      return "have the certificate renewed at the server, or set this machine's clock";
    case "name":
      return `give the server in ${key} by a name that its certificate has; if it has none of them, somebody else may answer there`;
    case "untrusted":
      return `if it is the right server, ${trust}`;
  }
}
