/**
 * The files of certificates that an address names, looked at before anybody connects: each runtime says something else of
 * one that is none, or that the server is out of reach.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { MongoOptions } from "mongodb";
import { addressError } from "./errors.ts";

const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]+-----END \1-----/;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^]+?-----END \1-----/;

/**
 * Refuses files that can't be read, or have no certificate.
 *
 * @param key the setting that gives the address
 * @throws MigrationError CONFIG_INVALID that names the file
 */
export async function checkCertificates(options: MongoOptions, key: string): Promise<void> {
  const { tls, tlsCAFile, tlsCertificateKeyFile, passphrase } = options;
  if (!tls) return;
  if (tlsCAFile !== undefined) await check(tlsCAFile, key, certificateProblem);
  if (tlsCertificateKeyFile !== undefined) {
    await check(
      tlsCertificateKeyFile,
      key,
      (text) => certificateProblem(text) ?? keyProblem(text, passphrase),
    );
  }
}

async function check(
  path: string,
  key: string,
  problemOf: (text: string) => string | undefined,
): Promise<void> {
  const text = await readFile(path, "latin1").catch((error: unknown) => {
    throw addressError(key, error, `see whether ${path}, which it names, can be read`);
  });
  const problem = problemOf(text);
  if (problem === undefined) return;
  throw addressError(
    key,
    new Error(`${problem}: ${path}`),
    `see whether ${path}, which it names, is a PEM file`,
  );
}

function certificateProblem(text: string): string | undefined {
  const [block, kind] = CERTIFICATE.exec(text) ?? [];
  if (block === undefined) return "no certificate in it";
  if (kind !== "CERTIFICATE") return undefined;
  try {
    void new X509Certificate(block);
    return undefined;
  } catch (error) {
    return `no certificate in it, ${(error as Error).message}`;
  }
}

function keyProblem(text: string, passphrase: string | undefined): string | undefined {
  const [key] = PRIVATE_KEY.exec(text) ?? [];
  if (key === undefined) return "no private key in it";
  try {
    void createPrivateKey({ key, format: "pem", ...(passphrase !== undefined && { passphrase }) });
    return undefined;
  } catch {
    return passphrase === undefined && /ENCRYPTED/.test(key)
      ? "no password is given for the private key in it, tlsCertificateKeyFilePassword"
      : "no private key in it that can be read";
  }
}
