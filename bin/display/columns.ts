/** Rows of cells that stand below each other, as many columns as there is room for. */

/** A column. */
export interface Column<Row> {
  cell: (row: Row) => string;
  /** So wide at least, that it stays where it is while its numbers grow. */
  width: number;
  /** Where there is too little room, the greatest number is left out first. */
  importance: number;
  align?: "left" | "right";
}

/** Lays rows out below each other; no line is wider than that. */
export function layOut<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string[] {
  const sized = columns.map((column) => {
    const cells = rows.map(column.cell);
    return { ...column, cells, width: Math.max(column.width, ...cells.map(({ length }) => length)) };
  });
  while (sized.length > 1 && sized.reduce((sum, each) => sum + each.width + 2, -2) > width) {
    const last = Math.max(...sized.map(({ importance }) => importance));
    sized.splice(
      sized.findIndex(({ importance }) => importance === last),
      1,
    );
  }
  return rows.map((_, at) =>
    sized
      .map(({ cells, width: wide, align }) =>
        align === "left" ? cells[at]!.padEnd(wide) : cells[at]!.padStart(wide),
      )
      .join("  ")
      .slice(0, width)
      .trimEnd(),
  );
}
