/** Why a server's certificate is refused, and what to do about it: each runtime and driver has its own words. */

/** A certificate that is refused. */
export interface CertificateProblem {
  /** In the user's words, of the server: `its certificate has expired`. */
  why: string;
  kind: "expired" | "early" | "name" | "untrusted" | "ours";
}

/** What the system says when no certificate was seen; the server's name may have the word in it. */
const UNSEEN = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)\b/;

const KINDS: readonly (CertificateProblem & { words: RegExp })[] = [
  {
    // An alert comes from the other side, and is about what it was shown.
    words: /\balert (?:bad |unsupported |unknown )?(?:certificate|ca\b)|\balert no certificate/i,
    why: "it doesn't take the certificate that it is shown, or is shown none",
    kind: "ours",
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
  if (UNSEEN.test(text)) return undefined;
  const found = KINDS.find(({ words }) => words.test(text));
  return found && { why: found.why, kind: found.kind };
}

/**
 * What the user can do.
 *
 * @param key the setting that gives the address
 * @param trust how a certificate of one's own is trusted
 */
export function certificateHint({ kind }: CertificateProblem, key: string, trust: string): string {
  switch (kind) {
    case "expired":
    case "early":
      return "have the certificate renewed at the server, or set this machine's clock";
    case "name":
      return `give the server in ${key} by a name that its certificate has; if it has none of them, somebody else may answer there`;
    case "ours":
      return `${key} needs a client certificate that the server takes: for MongoDB see tlsCertificateKeyFile`;
    case "untrusted":
      return `if it is the right server, ${trust}`;
  }
}
