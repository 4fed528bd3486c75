/** Whose certificate is refused, told by the words of runtimes, drivers and TLS. */
import { expect, test } from "bun:test";
import { certificateHint, certificateProblem } from "../../plugins/_certificate-problem.ts";

test.each([
  ["certificate has expired", "expired"],
  ["self-signed certificate in certificate chain", "untrusted"],
  ["Hostname/IP does not match certificate's altnames", "name"],
  ["error:0A00045C:SSL routines::tlsv13 alert certificate required", "client"],
  ["error:0A000415:SSL routines::sslv3 alert certificate expired", "client"],
  ["error:0A000412:SSL routines::sslv3 alert bad certificate", "client"],
  ["error:0A000418:SSL routines::tlsv1 alert unknown ca", "client"],
  ["no answer from certificates-db:27017, getaddrinfo ENOTFOUND certificates-db", undefined],
  ["no answer from certificates-db:27017, connect ECONNREFUSED 10.0.0.1:27017", undefined],
])("%s: %s", (text, kind) => expect(certificateProblem(text)?.kind as string | undefined).toBe(kind));

test("of a client certificate the hint isn't to trust the server's", () => {
  const problem = certificateProblem("tlsv13 alert certificate required")!;
  expect(certificateHint(problem, "target.address", "give tlsCAFile")).not.toContain("tlsCAFile");
});
