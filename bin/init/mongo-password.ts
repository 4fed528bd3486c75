/** A connection string that was typed, completed by a password that wasn't shown. */

/** The address with the password of its user, where it has one without; empty: there is none. */
export async function withPassword(address: string, ask: (user: string) => Promise<string>): Promise<string> {
  const [, before, user, rest] = /^(mongodb(?:\+srv)?:\/\/)([^:@/?]+)(@.*)$/s.exec(address) ?? [];
  // Certificates and the like have no password.
  if (user === undefined || /[?&]authMechanism=(?!SCRAM|PLAIN)/i.test(address)) return address;
  const password = await ask(decoded(user));
  return password === "" ? address : `${before}${user}:${encodeURIComponent(password)}${rest}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
