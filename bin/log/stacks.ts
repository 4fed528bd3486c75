/** An error's stacks, for who debugs. */

/** From the outermost error to the first cause; a cause that comes round again ends it. */
export function stacks(error: Error): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let link: unknown = error; link !== undefined && !seen.has(link); link = causeOf(link)) {
    seen.add(link);
    const text = link instanceof Error ? (link.stack ?? `${link.name}: ${link.message}`) : String(link);
    lines.push(link === error ? text : `caused by ${text}`);
  }
  return lines;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
