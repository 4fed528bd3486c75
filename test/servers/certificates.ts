/** Certificates for servers of tests: those that an authority of the test's own has signed, and what is wrong with some. */
import { writeFileSync } from "node:fs";
import { generate } from "selfsigned";

const DAY = 24 * 60 * 60 * 1000;

/** A certificate and its key, in PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

/** Of one authority. */
export interface Certificates {
  /** The authority's own certificate, in PEM. */
  authority: string;
  /** For 127.0.0.1, yesterday until tomorrow. */
  good: Certificate;
  /** For another host. */
  otherName: Certificate;
  /** Until yesterday. */
  expired: Certificate;
}

/** Makes them anew. */
export async function makeCertificates(): Promise<Certificates> {
  const now = Date.now();
  const common = { keyType: "ec", algorithm: "sha256" } as const;
  const authority = await generate([{ name: "commonName", value: "an authority for a test" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true },
    ],
  });
  const signed = async (
    name: { type: 2; value: string } | { type: 7; ip: string },
    from: number,
    to: number,
  ) => {
    const { cert, private: key } = await generate([{ name: "commonName", value: "a server of a test" }], {
      ...common,
      notBeforeDate: new Date(now + from),
      notAfterDate: new Date(now + to),
      ca: { key: authority.private, cert: authority.cert },
      extensions: [{ name: "subjectAltName", altNames: [name] }],
    });
    return { cert, key };
  };
  const here = { type: 7, ip: "127.0.0.1" } as const;
  return {
    authority: authority.cert,
    good: await signed(here, -DAY, DAY),
    otherName: await signed({ type: 2, value: "db.example" }, -DAY, DAY),
    expired: await signed(here, -3 * DAY, -DAY),
  };
}

/** Writes an authority's certificate where a program is told to look. */
export function writeAuthority({ authority }: Certificates, path: string): string {
  writeFileSync(path, authority);
  return path;
}
