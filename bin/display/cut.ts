/** Names that have to fit. */

/** Cuts a name in its middle: tables of one application often begin alike. */
export function cut(name: string, limit: number): string {
  if (name.length <= limit) return name;
  const end = Math.floor((limit - 1) / 2);
  return `${name.slice(0, limit - 1 - end)}…${name.slice(name.length - end)}`;
}
