import { widthOf } from './style.ts';

/** Rows as lines, columns aligned with two spaces between; trailing spaces are cut, and a column without any text. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    });
  }
  return rows.map((row) =>
    row
      .flatMap((cell, column) => {
        const width = widths[column] ?? 0;
        return width === 0 ? [] : [cell + ' '.repeat(width - widthOf(cell))];
      })
      .join('  ')
      .trimEnd(),
  );
}
