/** Lines out of what comes in pieces. */

const LINE_END = 10;

/**
 * Takes pieces and gives the lines that they complete, without their ends. Throws nothing: of a line that is too long,
 * `onTooLong` is told, and nothing is kept from then on.
 *
 * @param longest in bytes
 */
export function createLineReader(
  longest: number,
  onLine: (line: string) => void,
  onTooLong: () => void,
): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let length = 0;
  let isOver = false;

  function keep(piece: Buffer): void {
    length += piece.length;
    if (length > longest) {
      isOver = true;
      pieces = [];
      onTooLong();
    } else pieces.push(piece);
  }

  return (piece) => {
    for (let rest = piece; rest.length > 0 && !isOver;) {
      const end = rest.indexOf(LINE_END);
      if (end === -1) return keep(rest);
      keep(rest.subarray(0, end));
      if (isOver) return;
      const line = Buffer.concat(pieces).toString("utf8");
      pieces = [];
      length = 0;
      rest = rest.subarray(end + 1);
      onLine(line);
    }
  };
}
